/**
 * A lock is a workflow id: whoever manages to start the child workflow with that id has the lock, until the child ends.
 * Nobody queues: who finds it running tries again later.
 */
import {
  condition,
  defineSignal,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { LOCK_SET, lockWorkflowId, type TakenLocks, type Taking } from './taking.ts';

/** Grows by half each time, up to ten times as much; half of it is chance, so that a crowd disperses. */
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 1_000;
const BACKOFF_FACTOR = 1.5;

const permitReturned = defineSignal('permitReturned');

export async function permit(): Promise<void> {
  let isReturned = false;
  setHandler(permitReturned, () => void (isReturned = true));
  await condition(() => isReturned);
}

type Permit = ChildWorkflowHandle<typeof permit>;

export async function takePermits(taking: Taking): Promise<TakenLocks> {
  const startedMs = Date.now();
  const held: Permit[] = [];
  for (const lock of LOCK_SET) held.push(await takePermit(lockWorkflowId(taking, 'permit', lock)));
  const waitMs = Date.now() - startedMs;
  for (const child of held.reverse()) {
    await child.signal(permitReturned);
    await child.result();
  }
  return { waitMs, tokens: [] };
}

async function takePermit(workflowId: string): Promise<Permit> {
  // In the queue of the lock workflows, as with all others here.
  const taskQueue = workflowInfo().taskQueue.replace(/operations$/, 'locks');
  for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * BACKOFF_FACTOR, LONGEST_BACKOFF_MS)) {
    try {
      return await startChild(permit, { workflowId, taskQueue });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(backoffMs * (0.5 + Math.random() / 2));
    }
  }
}
