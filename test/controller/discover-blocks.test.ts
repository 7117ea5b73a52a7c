import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatBlockRanges, parseBlockRanges } from '../../src/contract/block-ranges.ts';
import { DISCOVERED_LABEL } from '../../src/contract/names.ts';
import type { NodeMemory, NodeMemorySpec, NodeMemoryStatus } from '../../src/contract/resources.ts';
import { blocksToDiscover, discoveredBlock, DISCOVERED_BLOCKS_MAX } from '../../src/controller/discover-blocks.ts';
import { MEMORY_BLOCK_STATES } from '../../src/kernel/memory-block.ts';
import { ZONES } from '../../src/kernel/zone.ts';
import { NODE, nodeMemoryOf } from '../support/block-fixtures.ts';

type Blocks = NonNullable<NodeMemoryStatus['blocks']>;
type Discovery = NonNullable<NodeMemorySpec['discovery']>;

const BLOCKS: Blocks = [
  { range: '0-3', state: 'online', zone: 'Normal' },
  { range: '4', state: 'online', zone: 'none' },
  { range: '5', state: 'going-offline', zone: 'Movable' },
  { range: '8,10', state: 'online', zone: 'Movable' },
  { range: '9', state: 'offline' },
];

function nodeWith(discovery: Discovery | undefined, blocks: Blocks | undefined = BLOCKS): NodeMemory {
  const node = nodeMemoryOf();
  return { ...node, spec: discovery ? { discovery } : {}, status: { ...node.status, blocks } };
}

/** Ids of the blocks that get a MemoryBlock where those named in `known` have one. */
function discovered(node: NodeMemory, known: readonly number[] = []): string {
  const names = new Set(known.map((blockId) => `${NODE}-memory${String(blockId)}`));
  return formatBlockRanges(blocksToDiscover(node, { has: (name) => names.has(name), count: () => names.size }));
}

describe('discovery of blocks', () => {
  for (const [discovery, expected] of [
    [undefined, ''],
    ['None', ''],
    ['Removable', '5,8-10'],
    ['All', '0-5,8-10'],
  ] as const) {
    it(`${discovery ?? 'unset'}: ${expected || 'none'}`, () => {
      assert.equal(discovered(nodeWith(discovery)), expected);
    });
  }

  it('leaves out blocks that have a MemoryBlock, whoever created it', () => {
    assert.equal(discovered(nodeWith('All'), [0, 1, 9]), '2-5,8,10');
  });

  it('finds nothing on a node that has not reported, or whose NodeMemory is being deleted', () => {
    const node = nodeWith('All');
    const deletionTimestamp = '2026-01-01T12:00:00Z';
    assert.equal(discovered({ metadata: node.metadata, spec: node.spec }), '');
    assert.equal(discovered({ ...node, metadata: { ...node.metadata, deletionTimestamp } }), '');
  });

  it('creates so many for a node and no more, those with the lowest ids', () => {
    const blocks: Blocks = [
      { range: '100000-131000', state: 'offline' },
      { range: '0-99999', state: 'offline' },
    ];
    const last = DISCOVERED_BLOCKS_MAX - 1;
    assert.equal(discovered(nodeWith('All', blocks)), `0-${String(last)}`);
    assert.equal(discovered(nodeWith('All', blocks), [0]), `1-${String(last)}`, 'those that are known count');
  });

  it('creates no more than so many, whatever else the node reports each time', () => {
    const known: number[] = [];
    for (let report = 0; report < 10; report++) {
      const range = `${String(report * 2_000)}-${String(report * 2_000 + 1_999)}`;
      known.push(...parseBlockRanges(discovered(nodeWith('All', [{ range, state: 'offline' }]), known)));
    }
    assert.equal(known.length, DISCOVERED_BLOCKS_MAX);
  });

  it('creates objects that ask for nothing, keep the default policies, and say where they come from', () => {
    assert.deepEqual(discoveredBlock(NODE, 9), {
      metadata: { name: 'worker-1-memory9', labels: { [DISCOVERED_LABEL]: 'true' } },
      spec: { nodeName: NODE, blockId: 9 },
    });
  });

  it('whatever the node reports: never a block that has an object or is not there, and none is left', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1 });
    const reported = fc.array(
      fc.record({ ids, state: fc.constantFrom(...MEMORY_BLOCK_STATES), zone: fc.constantFrom(undefined, ...ZONES) }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(reported, ids, (parts, known) => {
        const blocks = parts.map(({ ids: some, state, zone }) => ({
          range: formatBlockRanges(some),
          state,
          ...(zone ? { zone } : {}),
        }));
        const there = new Set(parts.flatMap((part) => part.ids));
        const found = parseBlockRanges(discovered(nodeWith('All', blocks), known));
        assert.ok(found.every((blockId) => there.has(blockId) && !known.includes(blockId)));
        assert.equal(discovered(nodeWith('All', blocks), [...known, ...found]), '');
        const removable = parseBlockRanges(discovered(nodeWith('Removable', blocks), known));
        assert.ok(
          removable.every((blockId) => found.includes(blockId)),
          'All includes what is Removable',
        );
      }),
    );
  });
});
