/**
 * One workflow per lock, spoken to with signals: the shape of the public mutex samples. The lock workflow serves one
 * requester after the other; each is told by a signal, and has a limited time to signal that it is done.
 */
import {
  condition,
  continueAsNew,
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { MUTEX_REQUESTED_SIGNAL, type MutexActivities, type MutexRequest } from './messages.ts';
import { LOCK_SET, lockWorkflowId, PATIENCE_MS, type TakenLocks, type Taking } from './taking.ts';

const mutexRequested = defineSignal<[MutexRequest]>(MUTEX_REQUESTED_SIGNAL);
const mutexAcquired = defineSignal<[{ readonly lock: string; readonly mutexId: string }]>('mutexAcquired');
const mutexReleased = defineSignal<[{ readonly workflowId: string }]>('mutexReleased');

const { requestMutex } = proxyActivities<MutexActivities>({ startToCloseTimeout: '10 seconds' });

export async function mutex(queue: readonly MutexRequest[] = []): Promise<void> {
  const waiting = [...queue];
  let holder: string | undefined;
  setHandler(mutexRequested, (request) => void waiting.push(request));
  setHandler(mutexReleased, ({ workflowId }) => {
    if (holder === workflowId) holder = undefined;
  });
  const { workflowId: mutexId } = workflowInfo();
  while (!workflowInfo().continueAsNewSuggested) {
    await condition(() => waiting.length > 0);
    const next = waiting.shift();
    if (!next) continue;
    const { workflowId, lock } = next;
    holder = workflowId;
    await getExternalWorkflowHandle(workflowId).signal(mutexAcquired, { lock, mutexId });
    await condition(() => holder === undefined, PATIENCE_MS);
  }
  await continueAsNew<typeof mutex>(waiting);
}

export async function takeMutexes(taking: Taking): Promise<TakenLocks> {
  const startedMs = Date.now();
  const { workflowId } = workflowInfo();
  const held = new Map<string, string>();
  setHandler(mutexAcquired, ({ lock, mutexId }) => void held.set(lock, mutexId));
  for (const lock of LOCK_SET) {
    await requestMutex({ mutexId: lockWorkflowId(taking, 'mutex', lock), request: { workflowId, lock } });
    await condition(() => held.has(lock));
  }
  const waitMs = Date.now() - startedMs;
  for (const mutexId of [...held.values()].reverse()) {
    await getExternalWorkflowHandle(mutexId).signal(mutexReleased, { workflowId });
  }
  return { waitMs, tokens: [] };
}
