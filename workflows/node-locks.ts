/**
 * The lock entity of one node: carries the pure lock table (src/kernel/lock-table.ts) and nothing else.
 *
 * It is started by the first message, never completes, and continues as new. A grant leaves only with the workflow task that
 * records it, as a signal or as the answer of an update, so a grant that was never recorded was never sent.
 *
 * One that was started anew (the one before was terminated or deleted), or reset, grants nothing until it knows what was
 * granted before: from the histories of the runs before it; where those are gone, by having everything settled on the node.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  LOCK_MESSAGE_SIGNAL,
  LOCK_TABLE_QUERY,
  RELEASE_LOCK_UPDATE,
  REQUEST_LOCKS_UPDATE,
  type LockTableView,
  type ReleaseLockResult,
  type RequestLocksAnswer,
} from '../src/contract/locks.ts';
import type { NodeLocksInput } from '../src/contract/node-locks.ts';
import { readReleaseLock } from '../src/contract/read-lock-message.ts';
import { orRejected } from './drop-malformed.ts';
import { LockEntity } from './lock-entity.ts';
import { LockLiveness } from './lock-liveness.ts';
import { isReset, openEra } from './open-era.ts';

/** About 9 events a lock cycle: some 220 cycles a run, well below the server's own suggestion at 4,096 events. */
const HISTORY_LENGTH_MAX = 2_000;

const lockMessage = defineSignal<[unknown]>(LOCK_MESSAGE_SIGNAL);
const lockTable = defineQuery<LockTableView>(LOCK_TABLE_QUERY);
const requestLocks = defineUpdate<RequestLocksAnswer, [unknown]>(REQUEST_LOCKS_UPDATE);
const releaseLock = defineUpdate<ReleaseLockResult, [unknown]>(RELEASE_LOCK_UPDATE);

/** Cancelling a service means nothing: whoever holds its locks goes on holding them. */
export async function nodeLocks(input: NodeLocksInput): Promise<void> {
  return CancellationScope.nonCancellable(() => serve(input));
}

async function serve(input: NodeLocksInput): Promise<void> {
  const entity = new LockEntity(input);
  const liveness = new LockLiveness(entity, input);
  setHandler(lockMessage, (message) => entity.receive(message), {
    description: 'Releases locks and asks for locks; sent by operation workflows, idempotent by request id',
  });
  setHandler(requestLocks, (message) => entity.answer(message), {
    validator: (message: unknown) => {
      entity.admit(message);
    },
    description: 'As lockMessage, but answers the grant where all locks are free; idempotent by request id',
  });
  setHandler(lockTable, () => entity.view, {
    description: 'Holders and waiters of every lock of this node, with tokens; orders of locks seen',
  });
  setHandler(
    releaseLock,
    (sent) => CancellationScope.nonCancellable(() => liveness.releaseByHand(orRejected(readReleaseLock(sent)))),
    {
      validator: (sent: unknown) => void liveness.holderToRelease(orRejected(readReleaseLock(sent))),
      description: 'Takes a lock from a holder that will not give it back; use `memhp locks release`',
    },
  );

  let { carried } = input;
  for (;;) {
    const { era } = entity;
    while (!(await openEra(entity, liveness, input, carried)));
    carried = undefined;
    await condition(() => isReset(entity, era) || shouldContinueAsNew(entity, input));
    if (!isReset(entity, era)) break;
  }
  // Nothing may be awaited from here on: what arrives now fails this task and is seen by the next.
  const { runId } = workflowInfo();
  const { table, disproofs } = entity;
  await continueAsNew<typeof nodeLocks>({ ...input, carried: { table, runId, ...(disproofs ? { disproofs } : {}) } });
}

function shouldContinueAsNew(entity: LockEntity, { historyLengthMax = HISTORY_LENGTH_MAX }: NodeLocksInput): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return (continueAsNewSuggested || historyLength > historyLengthMax) && entity.isQuiet && allHandlersFinished();
}
