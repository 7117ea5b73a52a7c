/** Rows of the kernel conformance list that are about zones, against the simulated node. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SimulatedSpec } from '../../src/contract/resources.ts';
import type { OnlineType } from '../../src/kernel/memory-block.ts';
import { validZones, zoneForPfnRange, zoneSpans, type Zone } from '../../src/kernel/zone.ts';
import { OperationRun } from '../support/driver-run.ts';
import { startSimulatedNode } from '../support/simulated-driver.ts';

const block = { first: 40, last: 40 };
const anySpans = fc
  .array(fc.record({ blockId: fc.nat({ max: 80 }), zone: fc.constantFrom<Zone>('DMA', 'DMA32', 'Normal', 'Movable') }))
  .map(zoneSpans);
const anyPolicy = fc.record({ movableNode: fc.boolean() });

async function onlineOn(
  spec: SimulatedSpec,
  blockId: number,
  onlineType: OnlineType,
): Promise<{ state: string; zone?: Zone }> {
  const node = startSimulatedNode(spec);
  try {
    const { bootId } = await node.driver.inspect([]);
    const run = new OperationRun(node.driver, 1, { operation: 'online', blockId, bootId, onlineType });
    for (const step of ['prepare', 'commit', 'finish'] as const) assert.ok((await run.step(step)).ok, step);
    const seen = (await node.driver.inspect([blockId])).blocks[0];
    return { state: seen?.state ?? 'absent', ...(seen?.zone ? { zone: seen.zone } : {}) };
  } finally {
    await node.remove();
  }
}

describe('conformance: zones', () => {
  it('row 36: after online_movable the state reads online and the zone Movable', async () => {
    const spec: SimulatedSpec = { blocks: [{ range: '40', state: 'offline' }] };
    assert.deepEqual(await onlineOn(spec, 40, 'online_movable'), { state: 'online', zone: 'Movable' });
  });

  it('row 40: a kernel online is never Movable, a movable online always', () => {
    fc.assert(
      fc.property(anySpans, anyPolicy, (spans, policy) => {
        assert.notEqual(zoneForPfnRange('online_kernel', block, spans, policy), 'Movable');
        assert.equal(zoneForPfnRange('online_movable', block, spans, policy), 'Movable');
      }),
    );
  });

  it('row 41: a block inside the Movable span only goes online Movable', async () => {
    const spec: SimulatedSpec = {
      blocks: [
        { range: '0-7', state: 'online', zone: 'Normal' },
        { range: '32,40', state: 'online', zone: 'Movable' },
        { range: '36', state: 'offline' },
      ],
    };
    assert.deepEqual(await onlineOn(spec, 36, 'online'), { state: 'online', zone: 'Movable' });
  });

  it('row 42: where no zone spans the block, movable_node decides', async () => {
    const blocks: SimulatedSpec['blocks'] = [
      { range: '0-7', state: 'online', zone: 'DMA32' },
      { range: '40', state: 'offline' },
    ];
    assert.deepEqual(await onlineOn({ blocks }, 40, 'online'), { state: 'online', zone: 'Normal' });
    assert.deepEqual(await onlineOn({ blocks, movableNode: true }, 40, 'online'), { state: 'online', zone: 'Movable' });
  });

  it('row 46: valid_zones lists the default first, then the other candidates without duplicates', () => {
    assert.deepEqual(validZones(block, {}, { movableNode: false }), ['Normal', 'Movable']);
    assert.deepEqual(validZones(block, {}, { movableNode: true }), ['Movable', 'Normal']);
    fc.assert(
      fc.property(anySpans, anyPolicy, (spans, policy) => {
        const zones = validZones(block, spans, policy);
        assert.equal(zones[0], zoneForPfnRange('online', block, spans, policy));
        assert.deepEqual(new Set(zones), new Set([zoneForPfnRange('online_kernel', block, spans, policy), 'Movable']));
        assert.equal(zones.length, 2);
      }),
    );
  });

  it('row 47: a block that spans zones cannot go offline', async () => {
    const node = startSimulatedNode({ blocks: [{ range: '0', state: 'online', zone: 'none' }] });
    try {
      const { bootId } = await node.driver.inspect([]);
      const result = await new OperationRun(node.driver, 1, { operation: 'offline', blockId: 0, bootId }).step(
        'prepare',
      );
      assert.equal(result.ok ? 'ok' : result.errno, 'EINVAL');
      assert.equal((await node.driver.inspect([0])).blocks[0]?.state, 'online');
    } finally {
      await node.remove();
    }
  });
});
