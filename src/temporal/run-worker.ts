/** A worker from its start to its end, however it ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import { failureOf } from './worker-failures.ts';

export interface RunningWorker {
  /** Resolves when it was shut down; rejects with what it died of. Then its connection may not be closable. */
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
  while (!['STOPPED', 'FAILED'].includes(worker.getState())) await delay(LOOK_MS, undefined, { ref: false });
  if (worker.getState() === 'STOPPED') return run;
  // Lines that tell of what are held back for a moment.
  await delay(LOOK_MS);
  throw new Error(`the worker of task queue ${worker.options.taskQueue} has failed; the log says of what`);
}
