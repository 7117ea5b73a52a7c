/** What must be true of a block after an operation that was disturbed: it ended once, did its work once, left no lock. */
import assert from 'node:assert/strict';
import type { MemoryBlockStatus } from '../../src/contract/resources.ts';
import type { Effect } from '../../src/drivers/simulated/state.ts';
import { eventually } from './eventually.ts';
import type { FaultStage } from './fault-stage.ts';
import { eventsOf } from './history-story.ts';

export interface ExpectedEnd {
  readonly node: string;
  readonly blockId: number;
  readonly operation: 'online' | 'offline';
}

const CHANGE = { online: 'pages-online', offline: 'pages-offline' } as const satisfies Record<
  ExpectedEnd['operation'],
  Effect['change']
>;

/** One run, completed, whose outcome is the block's; one effect, by that run; no lock held; the block Ready. */
export async function assertEndedOnce(stage: FaultStage, expected: ExpectedEnd): Promise<MemoryBlockStatus> {
  const { node, blockId, operation } = expected;
  const status = await stage.untilReady([node, blockId]);
  assert.equal(status.state, operation);

  const { type, result, runId } = status.lastOperation ?? {};
  assert.deepEqual({ type, result }, { type: operation, result: 'Succeeded' });
  const runs = await eventually('Temporal lists the run as closed', async () => {
    const found = await stage.runs(node, blockId);
    return found.length > 0 && found.every((run) => run.status.name !== 'RUNNING') ? found : undefined;
  });
  assert.deepEqual(
    runs.map((run) => [run.runId, run.status.name]),
    [[runId, 'COMPLETED']],
    'one run, and it is the one that the status names',
  );
  const workflowId = runs[0]?.workflowId ?? '';
  const { events } = { events: await eventsOf(stage.client, workflowId, runId) };
  assert.equal(events.filter((event) => event.workflowExecutionCompletedEventAttributes).length, 1);

  assert.deepEqual(
    (await stage.effects(node)).map((effect) => [effect.change, effect.blockId, effect.runId]),
    [[CHANGE[operation], blockId, runId]],
    'the memory was changed once, by that run',
  );
  await assertLocksFree(stage, node);
  return status;
}

export async function assertLocksFree(stage: FaultStage, node: string): Promise<void> {
  await eventually(`no lock of ${node} is held`, async () => (await stage.lockTable(node)).locks.length === 0);
}
