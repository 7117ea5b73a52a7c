import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MemoryBlock } from '../../src/contract/resources.ts';
import { NodeTurns, OPERATIONS_PER_NODE } from '../../src/controller/node-turns.ts';
import { blockOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const SPEC = {
  deletionPolicy: 'Retain',
  driftPolicy: 'Report',
  offlineTimeoutSeconds: 300,
  lockTimeoutSeconds: 300,
  state: 'online',
} as const;

function block(blockId: number, status: MemoryBlock['status'] = {}, nodeName = 'worker-1'): MemoryBlock {
  return { metadata: { name: `${nodeName}-memory${String(blockId)}` }, spec: { ...SPEC, nodeName, blockId }, status };
}

function running(blockId: number, phase?: string): MemoryBlock {
  const operation = {
    type: 'online',
    workflowId: 'w',
    runId: runOf(blockId),
    startTime: '',
    ...(phase ? { phase } : {}),
  };
  return block(blockId, { operation } as MemoryBlock['status']);
}

function ended(blockId: number): MemoryBlock {
  return block(blockId, { lastOperation: { runId: runOf(blockId) } } as MemoryBlock['status']);
}

function runOf(blockId: number): string {
  return `run-${String(blockId)}`;
}

describe('turns of the operations of a node', () => {
  it('are given to a few, and then to who has waited longest', () => {
    const turns = new NodeTurns();
    for (const id of [1, 2]) {
      assert.ok(turns.isFree(block(id), 0));
      turns.started(block(id), runOf(id), 0);
    }
    for (const id of [3, 4, 5]) {
      assert.ok(!turns.isFree(block(id), 0));
      turns.wait(block(id));
    }
    assert.deepEqual(
      turns.seen(ended(1), 0),
      [3, 4].map((id) => block(id).metadata.name),
    );
    assert.deepEqual(
      [3, 4, 5, 6].map((id) => turns.isFree(block(id), 0)),
      [true, false, false, false],
      'one place is free, and it is for the first',
    );
  });

  it('are of one node each', () => {
    const turns = new NodeTurns();
    for (const id of [1, 2]) turns.started(block(id), runOf(id), 0);
    assert.ok(turns.isFree(block(3, {}, 'worker-2'), 0));
  });

  it('do not count who waits for a permit of the fleet', () => {
    const turns = new NodeTurns();
    for (const id of [1, 2]) turns.started(block(id), runOf(id), 0);
    turns.seen(running(1, 'WaitingForPermit'), 0);
    assert.ok(turns.isFree(block(3), 0));
  });

  it('go on when a start never shows, and when who is first wants nothing any more', () => {
    const turns = new NodeTurns();
    for (const id of [1, 2]) turns.started(block(id), runOf(id), 0);
    for (const id of [3, 4]) turns.wait(block(id));
    assert.ok(!turns.isFree(block(3), 9_999));
    assert.ok(turns.isFree(block(3), 10_000));
    assert.ok(turns.isFree(block(4), 10_000));
    assert.deepEqual(turns.leave(block(3)), [block(4).metadata.name]);
  });

  it('come to everybody, whatever the order of things', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.infiniteStream(fc.nat()), (count, choices) => {
        const turns = new NodeTurns();
        const underWay: number[] = [];
        const done = new Set<number>();
        const look = (id: number): void => {
          if (done.has(id) || underWay.includes(id)) return;
          if (turns.isFree(block(id), 0)) {
            turns.started(block(id), runOf(id), 0);
            underWay.push(id);
          } else turns.wait(block(id));
        };
        for (let id = 0; id < count; id++) look(id);
        while (done.size < count) {
          assert.ok(underWay.length > 0 && underWay.length <= OPERATIONS_PER_NODE);
          const [id = -1] = underWay.splice((choices.next().value ?? 0) % underWay.length, 1);
          done.add(id);
          for (const name of turns.seen(ended(id), 0)) look(Number(name.split('memory')[1]));
        }
      }),
    );
  });
});

describe('a controller with many blocks of one node', () => {
  it('has a few operations under way at a time, says so in the others, and starts each once', async () => {
    const stage = new ControllerStage();
    try {
      const count = 12;
      await stage.run(blockOf({ blockId: 0, state: 'online' }, { state: 'offline' }));
      for (let id = 1; id < count; id++)
        stage.cluster.put(blockOf({ blockId: id, state: 'online' }, { state: 'offline' }));
      await stage.settle();
      for (let ended = 0; ended < count; ended++) {
        const underWay = stage.operations.runs.filter(({ isRunning }) => isRunning);
        assert.equal(underWay.length, Math.min(OPERATIONS_PER_NODE, count - ended));
        const waiting = [...stage.cluster.blocks.values()].filter(({ status }) =>
          status?.conditions?.some(({ message }) => message.startsWith('waits for its turn')),
        );
        assert.equal(waiting.length, Math.max(0, count - ended - OPERATIONS_PER_NODE));
        stage.operations.end();
        await stage.settle();
      }
      assert.equal(stage.operations.runs.length, count);
    } finally {
      await stage.close();
    }
  });
});
