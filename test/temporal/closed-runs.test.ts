import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { REQUESTS_MAX } from '../../src/kernel/lock-refusal.ts';
import { closedRuns } from '../../src/temporal/closed-runs.ts';

const ROUND_TRIP_MS = 150;
/** How long the lock entity lets the activity take that asks. */
const LIMIT_MS = 5_000;

describe('closed runs', () => {
  it('are known in time on a slow link, however many runs an entity can have', async () => {
    let rounds = 0;
    let round: Promise<void> | undefined;
    // All that is asked before anything is answered is one round trip.
    const describeRun = async (runId: string) => {
      round ??= new Promise((resolve) => {
        setImmediate(() => {
          rounds++;
          round = undefined;
          resolve();
        });
      });
      await round;
      return { status: { name: runId.endsWith('1') ? 'COMPLETED' : 'RUNNING' } };
    };
    const getHandle = (_: string, runId: string) => ({ describe: () => describeRun(runId) });
    const client = { workflow: { getHandle } } as unknown as Client;
    const runs = Array.from({ length: REQUESTS_MAX }, (_, index) => ({ workflowId: 'w', runId: String(index) }));
    const closed = await closedRuns(client, runs);
    assert.deepEqual(
      closed,
      runs.map(({ runId }) => runId).filter((runId) => runId.endsWith('1')),
    );
    assert.ok(rounds * ROUND_TRIP_MS < LIMIT_MS / 2, `${String(rounds)} round trips`);
  });
});
