/** Holds locks for a person's command: `memhp lock`. Users' page: docs/using-the-locks.md. */
import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import type { HolderActivities, HoldLocksInput, HoldLocksOutcome } from '../src/contract/hold-locks.ts';
import { LockClient, type Taken } from './lock-client.ts';
import { logWith } from './log-fields.ts';

/** Reached by no command that is heard of; one that runs longer is asked for once more, and goes on. */
const COMMAND_MS = 365 * 24 * 3_600_000;
const ANSWER_MS = 10_000;

/**
 * Takes the locks, has the process that asked run its command, and gives them back when the command has ended. A process
 * that falls silent is marked suspect and keeps the locks: nobody knows whether its command still runs. Only its return
 * or a human ends that: by cancelling this workflow.
 */
export async function holdLocks(input: HoldLocksInput): Promise<HoldLocksOutcome> {
  const scope = CancellationScope.current();
  const { locks: wanted, tryLock = false, ...rest } = input;
  const locks = new LockClient({ ...rest, isCancelled: () => scope.consideredCancelled });
  logWith({ node: input.node, locks });
  return CancellationScope.nonCancellable(async () => {
    const taken = await locks.takeWith({ tryLock }, ...wanted);
    if (taken.kind === 'refused') return { kind: 'refused', errno: taken.errno, message: taken.message };
    try {
      return await untilEnded(input, scope, locks, taken);
    } finally {
      await locks.releaseAll();
    }
  });
}

async function untilEnded(
  input: HoldLocksInput,
  outer: CancellationScope,
  locks: LockClient,
  taken: Taken,
): Promise<HoldLocksOutcome> {
  const holder = holderActivities(input);
  for (;;) {
    try {
      return { kind: 'ended', status: await cancelledWith(outer, () => holder.runCommand()) };
    } catch (error) {
      if (isCancellation(error) || outer.consideredCancelled) return { kind: 'abandoned' };
      if (!isSilence(error)) throw error;
    }
    const seconds = String(input.suspectAfterMs / 1000);
    await locks.suspect(taken, `the process that holds it has not been heard of for ${seconds} s`);
    try {
      await cancelledWith(outer, () => holder.answer());
    } catch (error) {
      if (isCancellation(error)) return { kind: 'abandoned' };
      throw error;
    }
    await locks.suspect(taken);
  }
}

function holderActivities({ taskQueue, suspectAfterMs }: HoldLocksInput): HolderActivities {
  const { runCommand } = proxyActivities<HolderActivities>({
    taskQueue,
    startToCloseTimeout: COMMAND_MS,
    scheduleToStartTimeout: suspectAfterMs,
    heartbeatTimeout: suspectAfterMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    summary: 'run the command',
    // A silence must be told before the command is asked for again.
    retry: { maximumAttempts: 1 },
  });
  const { answer } = proxyActivities<HolderActivities>({
    taskQueue,
    startToCloseTimeout: ANSWER_MS,
    summary: 'wait for the process that holds the locks',
    retry: { initialInterval: '1 second', maximumInterval: '1 second' },
  });
  return { runCommand, answer };
}

/** Runs `call` so that cancelling `outer` cancels it. */
async function cancelledWith<T>(outer: CancellationScope, call: () => Promise<T>): Promise<T> {
  const inner = new CancellationScope({ cancellable: true });
  outer.cancelRequested.catch(() => inner.cancel());
  return inner.run(call);
}

function isSilence(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
