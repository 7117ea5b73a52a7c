/** A worker from its start to its end, however it ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import { failureOf } from './worker-failures.ts';

export interface RunningWorker {
  /** Resolves when it was shut down; rejects with what it died of. */
  readonly ended: Promise<void>;
  /** Lets it finish what it runs, within the limits that it was created with. Never rejects. */
  shutDown(): Promise<void>;
}

const LOOK_MS = 50;

/** Runs it from now on. */
export function runWorker(worker: Worker): RunningWorker {
  let isOver = false;
  const ended = worker
    .run()
    .catch((error: unknown) => {
      throw failureOf(worker, error);
    })
    .finally(() => {
      isOver = true;
    });
  // Whoever is not interested in how it ends need not listen.
  ended.catch(() => undefined);
  return {
    ended,
    async shutDown() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      // One that has failed may wait for ever for its native part, which goes on with a poll that nobody answers.
      while (!isOver && worker.getState() !== 'FAILED') await delay(LOOK_MS);
    },
  };
}
