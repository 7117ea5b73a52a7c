/** A client of the lock service: plays a script with the real LockClient. Runs in the workflow sandbox. */
import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { nodeTaskQueue } from '../../src/contract/names.ts';
import { LockClient, type Taken } from '../../workflows/lock-client.ts';
import type { ClientInput, ClientOutcome, FenceActivities, ScriptStep } from './client-script.ts';

export async function lockClient(input: ClientInput): Promise<ClientOutcome> {
  let isCancelled = false;
  void CancellationScope.current().cancelRequested.catch(() => {
    isCancelled = true;
  });
  return CancellationScope.nonCancellable(() => play(input, () => isCancelled));
}

async function play(input: ClientInput, isCancelled: () => boolean): Promise<ClientOutcome> {
  const { cluster, node, purpose, steps } = input;
  const timeoutMs = Math.max(...steps.map((step) => (step.kind === 'take' ? step.timeoutMs : 0)));
  const locks = new LockClient({ cluster, node, purpose, timeoutMs, isCancelled });
  let last: Taken | undefined;
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'take') {
      const answer = await locks.take(...step.locks);
      if (answer.kind === 'refused') return giveUp(locks, answer.errno);
      last = answer;
    } else if (step.kind === 'release' && last) await locks.release(last, ...step.names);
    else if (step.kind === 'use' && !(await use(input, locks, index, step))) return giveUp(locks, 'ESTALE');
  }
  await locks.releaseAll();
  return {};
}

async function use(
  { cluster, node }: ClientInput,
  locks: LockClient,
  index: number,
  { holdMs }: Extract<ScriptStep, { kind: 'use' }>,
): Promise<boolean> {
  const fence = proxyActivities<FenceActivities>({
    taskQueue: nodeTaskQueue(cluster, node),
    // A step takes milliseconds; one whose answer was lost with the server is done again.
    startToCloseTimeout: '10 seconds',
    retry: { initialInterval: '200 milliseconds', maximumInterval: '1 second' },
  });
  const { workflowId, runId } = workflowInfo();
  const owner = { workflowId, runId };
  return (await fence.use({ node, owner, step: index, tokens: locks.tokens, holdMs })).isAccepted;
}

async function giveUp(locks: LockClient, errno: string): Promise<ClientOutcome> {
  await locks.releaseAll();
  return { errno };
}
