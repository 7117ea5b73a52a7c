/** A worker from its start to its end, however it ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import { failureOf } from './worker-failures.ts';

export interface RunningWorker {
  /** Resolves when it was shut down; rejects with what it died of. Such a worker is not to be had again in this process. */
  readonly ended: Promise<void>;
  /** Lets it finish what it runs, within the limits that it was created with. Never rejects. */
  shutDown(): Promise<void>;
}

const LOOK_MS = 500;

/** Runs it from now on. */
export function runWorker(worker: Worker): RunningWorker {
  const run = worker.run();
  const ended = Promise.race([run, untilFailed(worker, run)]).catch((error: unknown) => {
    throw failureOf(worker, error);
  });
  const over = ended.catch(() => undefined);
  return {
    ended,
    async shutDown() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await over;
    },
  };
}

/** After a fatal error `run()` may wait for ever for the worker's native part, so the state is looked at. */
async function untilFailed(worker: Worker, run: Promise<void>): Promise<void> {
  let isOver = false;
  const over = run
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
    });
  while (!isOver && worker.getState() !== 'FAILED') await delay(LOOK_MS, undefined, { ref: false });
  // It can still tell of what, and its lines are held back for a moment.
  await Promise.race([over, delay(LOOK_MS)]);
  if (worker.getState() === 'FAILED') throw new Error(`the worker of task queue ${worker.options.taskQueue} has failed`);
  await run;
}
