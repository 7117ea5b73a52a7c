/** What must be true of a block after an operation that was disturbed: it ended once, did its work once, left no lock. */
import assert from 'node:assert/strict';
import { memoryBlockName } from '../../src/contract/names.ts';
import type { MemoryBlockStatus, SimulatedSpec } from '../../src/contract/resources.ts';
import { eventually } from './eventually.ts';
import { readyOf } from './simulated-cluster.ts';
import type { OperatedCluster, SeenOperation } from './operated-cluster.ts';

/** Blocks 4-7 can be taken offline, 8-15 can be brought online: one operation each, without an add before. */
export const ONE_OPERATION_LAYOUT: SimulatedSpec = {
  blocks: [
    { range: '0-3', state: 'online', zone: 'Normal' },
    { range: '4-7', state: 'online', zone: 'Movable' },
    { range: '8-15', state: 'offline' },
  ],
};

export interface ExpectedEnd {
  readonly node: string;
  readonly blockId: number;
  readonly operation: 'online' | 'offline';
}

/** The slowest recovery: a workflow task noticed missing after 5 s, then an activity after 10 s, on a machine that is busy. */
const RECOVERY_LIMIT_MS = 40_000;

/** One run, completed, whose outcome is the block's; one effect, by that run; no lock held; the block Ready. */
export async function assertEndedOnce(stage: OperatedCluster, expected: ExpectedEnd): Promise<MemoryBlockStatus> {
  const { node, blockId, operation } = expected;
  const status = await stage.untilBlock(
    memoryBlockName(node, blockId),
    `Ready, and ${operation}`,
    ({ metadata, status: { operation: running } = {}, status: now }) =>
      running === undefined &&
      now?.state === operation &&
      readyOf(now)?.status === 'True' &&
      readyOf(now)?.observedGeneration === metadata.generation,
    { limitMs: RECOVERY_LIMIT_MS },
  );
  const { type, result, runId } = status.lastOperation ?? {};
  assert.deepEqual({ type, result }, { type: operation, result: 'Succeeded' });
  const runs = await closedRuns(stage, node, blockId);
  assert.deepEqual(
    runs.map((run) => [run.runId, run.status]),
    [[runId, 'COMPLETED']],
    'there was one run, and it is the one that the status names',
  );
  const effects = (await stage.effects(node)).map((effect) => [effect.change, effect.blockId, effect.runId]);
  assert.deepEqual(effects, [[`pages-${operation}`, blockId, runId]], 'the memory was changed once, by that run');
  await assertLocksFree(stage, node);
  return status;
}

/** Every run that a block ever had, once none of them runs and visibility knows of it. */
export function closedRuns(stage: OperatedCluster, node: string, blockId: number): Promise<readonly SeenOperation[]> {
  return eventually(`every operation on memory${String(blockId)} of ${node} has closed`, async () => {
    const runs = await stage.operations(`WorkflowId = "${stage.operationId(node, blockId)}"`);
    return runs.length > 0 && runs.every(({ status }) => status !== 'RUNNING') ? runs : undefined;
  });
}

export async function assertLocksFree(stage: OperatedCluster, node: string): Promise<void> {
  await eventually(`no lock of ${node} is held or waited for`, async () => (await stage.lockTable(node)).length === 0);
}
