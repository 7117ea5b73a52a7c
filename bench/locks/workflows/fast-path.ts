/**
 * An experiment: our protocol with a fast path. The request goes as an update, answered in the very task that receives
 * it: with the grants if all locks are free, else with nothing, and then the answer comes by signal as it always does.
 * The update's handler never waits, so a crowd does not fill the server's ten places for updates in flight.
 *
 * The entity is the pure lock table with no more around it than the measurement needs: no epochs, deadlines or liveness.
 */
import {
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import { describeLockTable, viewLockTable } from '../../../src/contract/lock-table-view.ts';
import type { LockDenied, LockGranted, LockMessage } from '../../../src/contract/locks.ts';
import { LOCK_DENIED_SIGNAL, LOCK_GRANTED_SIGNAL, LOCK_MESSAGE_SIGNAL } from '../../../src/contract/locks.ts';
import type { LockTable } from '../../../src/kernel/lock-queue.ts';
import type { LockEffect, LockEvent } from '../../../src/kernel/lock-request.ts';
import type { LockHolder } from '../../../src/kernel/lock.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE } from '../../../src/kernel/lock-table.ts';
import { LOCK_REQUEST_UPDATE, type FastPathActivities, type FastPathNodeLocksInput } from './messages.ts';
import { LOCK_SET, PATIENCE_MS, type TakenLocks, type Taking } from './taking.ts';

const HISTORY_LENGTH_MAX = 2_000;

const lockMessage = defineSignal<[LockMessage]>(LOCK_MESSAGE_SIGNAL);
const lockGranted = defineSignal<[LockGranted]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[LockDenied]>(LOCK_DENIED_SIGNAL);
const lockRequest = defineUpdate<LockGranted | undefined, [LockMessage]>(LOCK_REQUEST_UPDATE);

const { takeLocksFast, releaseLocksFast } = proxyLocalActivities<FastPathActivities>({
  startToCloseTimeout: '10 seconds',
});

export async function fastPathNodeLocks({ node, table }: FastPathNodeLocksInput): Promise<void> {
  const entity = new FastPathEntity(node, table ?? openTable());
  setHandler(lockMessage, (message) => entity.receive(message));
  setHandler(lockRequest, (message) => entity.answer(message));
  await condition(() => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (continueAsNewSuggested || historyLength > HISTORY_LENGTH_MAX) && entity.outbound === 0;
  });
  await continueAsNew<typeof fastPathNodeLocks>({ node, table: entity.table });
}

function openTable(): LockTable {
  return applyLockEvent(EMPTY_LOCK_TABLE, { kind: 'open', epoch: 1, nowMs: Date.now() }).table;
}

class FastPathEntity {
  table: LockTable;
  outbound = 0;
  private readonly node: string;

  constructor(node: string, table: LockTable) {
    this.node = node;
    this.table = table;
  }

  /** A message by signal. A request that is known and granted is answered again: its first answer may have been lost. */
  receive(message: LockMessage): void {
    const { request } = message;
    const held = request && this.grantOf(request.id);
    if (held) this.send(message.holder, held);
    else this.apply(message);
  }

  /** A request by update. Whatever is not granted at once is answered by signal. */
  answer(message: LockMessage): LockGranted | undefined {
    const { request } = message;
    if (!request) throw ApplicationFailure.nonRetryable('an update carries a request');
    if (!this.grantOf(request.id)) this.apply(message, request.id);
    return this.grantOf(request.id);
  }

  private grantOf(id: string): LockGranted | undefined {
    const request = this.table.requests.find((known) => known.id === id && known.pending.length === 0);
    return request && { id, grants: request.held };
  }

  /** `answered` gets its grant as the answer of the update, not by signal. */
  private apply(message: LockMessage, answered?: string): void {
    const nowMs = Date.now();
    for (const { id } of message.release ?? []) this.reduce({ kind: 'release', id, nowMs });
    const { holder, purpose, request } = message;
    if (request) {
      const { id, locks } = request;
      this.reduce({ kind: 'request', id, holder, purpose, locks, nowMs }, answered);
    }
    setCurrentDetails(describeLockTable(viewLockTable(this.node, this.table)));
  }

  private reduce(event: LockEvent, answered?: string): void {
    const { table, effects } = applyLockEvent(this.table, event);
    this.table = table;
    for (const effect of effects) this.tell(effect, answered);
  }

  private tell(effect: LockEffect, answered?: string): void {
    if (effect.kind === 'deny') {
      const { id, errno, message } = effect;
      this.send(effect.holder, { id, errno, message });
    } else if (effect.kind === 'grant' && effect.id !== answered) {
      const { id, grants } = effect;
      this.send(effect.holder, { id, grants });
    }
  }

  private send({ workflowId, runId }: LockHolder, answer: LockGranted | LockDenied): void {
    this.outbound += 1;
    const run = getExternalWorkflowHandle(workflowId, runId);
    void ('grants' in answer ? run.signal(lockGranted, answer) : run.signal(lockDenied, answer))
      .catch((error: unknown) => {
        if (!(error instanceof ApplicationFailure)) throw error;
        this.reduce({ kind: 'undeliverable', id: answer.id, nowMs: Date.now() });
      })
      .finally(() => (this.outbound -= 1));
  }
}

export async function takeFastPathLocks({ cluster, node }: Taking): Promise<TakenLocks> {
  const startedMs = Date.now();
  let granted: LockGranted | undefined;
  let denied: LockDenied | undefined;
  setHandler(lockGranted, (grant) => void (granted ??= grant));
  setHandler(lockDenied, (denial) => void (denied = denial));
  const { workflowId, runId } = workflowInfo();
  const from = { holder: { workflowId, runId }, purpose: 'benchmark' };
  const id = `${runId}/1`;
  const locks = LOCK_SET.map((name) => ({ name, mode: 'write' as const }));
  const message = { ...from, request: { id, locks, timeoutMs: PATIENCE_MS } };
  granted = (await takeLocksFast({ cluster, node, message })) ?? granted;
  await condition(() => granted !== undefined || denied !== undefined);
  if (!granted) throw ApplicationFailure.nonRetryable(denied?.message);
  const waitMs = Date.now() - startedMs;
  await releaseLocksFast({ cluster, node, message: { ...from, release: [{ id }] } });
  return { waitMs, tokens: granted.grants.map((grant) => grant.token) };
}
