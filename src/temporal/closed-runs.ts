/** Which workflow runs have ended: a fact, because they live on the same server as the locks. */
import type { Client } from '@temporalio/client';
import type { LockHolder } from '../kernel/lock.ts';
import { isRunOpen } from './is-run-open.ts';

/** How many are asked about at once: 256, as many as a lock entity has requests, take eight rounds, 1.2 s at 150 ms each. */
const CONCURRENT = 32;

/** Run ids of those that are closed, or that the server does not know any more. */
export async function closedRuns(client: Client, runs: readonly LockHolder[]): Promise<readonly string[]> {
  const closed: string[] = [];
  for (let index = 0; index < runs.length; index += CONCURRENT) {
    const asked = runs.slice(index, index + CONCURRENT);
    const answers = await Promise.all(asked.map(async (run) => ({ run, isOpen: await isRunOpen(client, run) })));
    closed.push(...answers.flatMap(({ run, isOpen }) => (isOpen ? [] : [run.runId])));
  }
  return closed;
}
