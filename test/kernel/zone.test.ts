import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ONLINE_TYPES } from '../../src/kernel/memory-block.ts';
import { validZones, ZONES, zoneForPfnRange, zoneSpans, type BlockSpan, type Zone } from '../../src/kernel/zone.ts';

const blockId = fc.nat({ max: 60 });
const range: fc.Arbitrary<BlockSpan> = fc
  .tuple(blockId, fc.nat({ max: 4 }))
  .map(([first, n]) => ({ first, last: first + n }));
const onlineBlocks = fc.uniqueArray(fc.record({ blockId, zone: fc.constantFrom<Zone>(...ZONES) }), {
  selector: (block) => block.blockId,
  maxLength: 12,
});
const policy = fc.record({ movableNode: fc.boolean() });

describe('zone spans', () => {
  it('contain every online block of the zone and end at online blocks', () => {
    fc.assert(
      fc.property(onlineBlocks, (blocks) => {
        const spans = zoneSpans(blocks);
        for (const zone of ['DMA', 'DMA32', 'Normal', 'Movable'] as const) {
          const ids = blocks.filter((block) => block.zone === zone).map((block) => block.blockId);
          const hull = ids.length === 0 ? undefined : { first: Math.min(...ids), last: Math.max(...ids) };
          assert.deepEqual(spans[zone], hull);
        }
      }),
    );
  });

  it('do not depend on the order of blocks', () => {
    fc.assert(
      fc.property(onlineBlocks, (blocks) => {
        assert.deepEqual(zoneSpans([...blocks].reverse()), zoneSpans(blocks));
      }),
    );
  });

  it('stretch over everything between two far blocks of one zone', () => {
    const spans = zoneSpans([
      { blockId: 1, zone: 'Movable' },
      { blockId: 50, zone: 'Movable' },
    ]);
    assert.equal(zoneForPfnRange('online', { first: 25, last: 25 }, spans, { movableNode: false }), 'Movable');
  });
});

describe('zoneForPfnRange', () => {
  it('never answers none, and answers one of the valid zones', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ONLINE_TYPES), range, onlineBlocks, policy, (type, where, blocks, boot) => {
        const spans = zoneSpans(blocks);
        const zone = zoneForPfnRange(type, where, spans, boot);
        assert.notEqual(zone, 'none');
        assert.ok(validZones(where, spans, boot).includes(zone));
      }),
    );
  });

  it('gives a kernel block the lowest kernel zone whose span it touches', () => {
    fc.assert(
      fc.property(range, onlineBlocks, policy, (where, blocks, boot) => {
        const spans = zoneSpans(blocks);
        const touched = (['DMA', 'DMA32'] as const).filter((zone) => {
          const span = spans[zone];
          return span !== undefined && span.first <= where.last && where.first <= span.last;
        });
        assert.equal(zoneForPfnRange('online_kernel', where, spans, boot), touched[0] ?? 'Normal');
      }),
    );
  });

  it('stays in the only zone that spans the range, whatever movable_node says', () => {
    fc.assert(
      fc.property(blockId, fc.constantFrom<Zone>('DMA32', 'Normal', 'Movable'), policy, (id, zone, boot) => {
        const spans = zoneSpans([{ blockId: id, zone }]);
        assert.equal(zoneForPfnRange('online', { first: id, last: id }, spans, boot), zone);
      }),
    );
  });
});
