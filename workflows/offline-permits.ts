/**
 * The permit entity of one cluster: carries the pure permit table (src/kernel/permit-table.ts), which limits how many offlines
 * are under way in the whole fleet, and nothing else.
 *
 * It is started by the first message, never completes, and continues as new. One that was started anew (the one before was
 * terminated or deleted), or reset, grants nothing until every offline that runs has said whether it holds a permit.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  OFFLINE_PERMITS_QUERY,
  PERMIT_MESSAGE_SIGNAL,
  REQUEST_PERMIT_UPDATE,
  type OfflinePermitsInput,
  type PermitServiceActivities,
  type RequestPermitAnswer,
} from '../src/contract/offline-permits.ts';
import type { PermitTableView } from '../src/contract/permit-table-view.ts';
import { PermitEntity } from './permit-entity.ts';

/** About 9 events an offline: some 220 of them a run, well below the server's own suggestion at 4,096 events. */
const HISTORY_LENGTH_MAX = 2_000;

const permitMessage = defineSignal<[unknown]>(PERMIT_MESSAGE_SIGNAL);
const requestPermit = defineUpdate<RequestPermitAnswer, [unknown]>(REQUEST_PERMIT_UPDATE);
const permitTable = defineQuery<PermitTableView>(OFFLINE_PERMITS_QUERY);

const { findPermits } = proxyActivities<PermitServiceActivities>({
  // Every offline of the fleet is asked, 32 at a time: ten thousand that all stay silent take 26 minutes.
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
});

/** Cancelling a service means nothing: whoever holds its permits goes on holding them. */
export async function offlinePermits(input: OfflinePermitsInput): Promise<void> {
  return CancellationScope.nonCancellable(() => serve(input));
}

async function serve(input: OfflinePermitsInput): Promise<void> {
  const entity = new PermitEntity(input);
  setHandler(permitMessage, (message) => entity.receive(message), {
    description: 'Asks for a permit to take memory offline, or gives it back; idempotent by run id',
  });
  setHandler(requestPermit, (message) => entity.answer(message), {
    validator: (message: unknown) => {
      entity.admit(message);
    },
    description: 'As permitMessage, but answers whether there is a permit at once; idempotent by run id',
  });
  setHandler(permitTable, () => entity.view, {
    description: 'How many offlines may be under way at a time, which ones are, and which wait',
  });
  // What was carried over.
  entity.refresh();

  for (;;) {
    const { era } = entity;
    if (entity.isRecovering) await recover(entity, input);
    await condition(() => isReset(entity, era) || shouldContinueAsNew(entity, input));
    if (!isReset(entity, era)) break;
  }
  // Nothing may be awaited from here on: what arrives now fails this task and is seen by the next.
  await continueAsNew<typeof offlinePermits>({ ...input, carried: entity.table });
}

/** Finds out who holds a permit, then grants; returns without that if the run is reset meanwhile. */
async function recover(entity: PermitEntity, { cluster }: OfflinePermitsInput): Promise<void> {
  const { era } = entity;
  const { runId } = workflowInfo();
  const found = await findPermits.executeWithOptions({ summary: 'which offlines hold a permit?' }, [
    { cluster, runId },
  ]);
  if (!isReset(entity, era)) entity.open(found);
}

function isReset(entity: PermitEntity, era: number): boolean {
  entity.noticeReset();
  return entity.era !== era;
}

function shouldContinueAsNew(
  entity: PermitEntity,
  { historyLengthMax = HISTORY_LENGTH_MAX }: OfflinePermitsInput,
): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return (continueAsNewSuggested || historyLength > historyLengthMax) && entity.isQuiet && allHandlersFinished();
}
