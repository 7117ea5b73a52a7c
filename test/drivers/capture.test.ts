/** Capture and import, on trees made here. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseBlockRanges } from '../../src/contract/block-ranges.ts';
import { captureLayout, layoutOf } from '../../src/drivers/capture/capture-layout.ts';
import { layoutToNodeMemory } from '../../src/drivers/capture/layout-to-node-memory.ts';
import { formatLayout, parseLayout, type MemoryLayout } from '../../src/drivers/capture/memory-layout.ts';
import type { SysfsBlock } from '../../src/drivers/capture/sysfs-snapshot.ts';
import { parseBehaviour } from '../../src/drivers/simulated/behaviour.ts';
import { boot } from '../../src/drivers/simulated/boot.ts';
import { createSysfsTree } from '../support/sysfs-tree.ts';

const NOW = new Date('2026-01-02T03:04:05Z');
const ZONEINFO = `Node 0, zone      DMA
  pages free     3840
        spanned  4095
        present  3998
  start_pfn:           1
Node 0, zone  Movable
        spanned  0
        present  0
  start_pfn:           0
`;

function block(name: string, state: string, validZones: string, removable = '1', node = 'node0'): SysfsBlock {
  return { name, state: `${state}\n`, validZones: `${validZones}\n`, removable: `${removable}\n`, entries: [node] };
}

describe('capture', () => {
  it('reads a tree like sysfs and merges neighbours that agree', () => {
    const root = mkdtempSync(join(tmpdir(), 'memhp-sysfs-'));
    try {
      writeFileSync(join(root, 'block_size_bytes'), '8000000\n');
      writeFileSync(join(root, 'auto_online_blocks'), 'offline\n');
      writeFileSync(join(root, 'zoneinfo'), ZONEINFO);
      const files: [number, string, string][] = [
        [0, 'online', 'none'],
        [1, 'online', 'DMA32'],
        [2, 'online', 'DMA32'],
        [10, 'offline', 'Normal Movable'],
      ];
      for (const [id, state, zones] of files) {
        const directory = join(root, `memory${String(id)}`);
        mkdirSync(directory);
        writeFileSync(join(directory, 'state'), `${state}\n`);
        writeFileSync(join(directory, 'valid_zones'), `${zones}\n`);
        writeFileSync(join(directory, 'removable'), '1\n');
        symlinkSync('../node/node1', join(directory, 'node1'));
      }
      const alike = { numaNode: 1, removable: true };
      assert.deepEqual(captureLayout({ sysfsRoot: root, zoneinfoFile: join(root, 'zoneinfo'), now: NOW }), {
        format: 'memhp-layout/v1',
        capturedAt: '2026-01-02T03:04:05.000Z',
        blockSize: '128Mi',
        autoOnlineBlocks: 'offline',
        blocks: [
          { range: '0', state: 'online', zone: 'none', ...alike },
          { range: '1-2', state: 'online', zone: 'DMA32', ...alike },
          { range: '10', state: 'offline', ...alike },
        ],
        zones: [{ numaNode: 0, zone: 'DMA', startPfn: 1, spannedPages: 4095, presentPages: 3998 }],
      } satisfies MemoryLayout);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it('says what is missing where there is no memory hotplug', () => {
    assert.throws(() => captureLayout({ sysfsRoot: '/nonexistent' }), /block_size_bytes does not exist/);
  });

  it('does not ask an offline block for its zones, which Linux 6.12 must not be asked of one that is being added', () => {
    const tree = createSysfsTree({ blocks: [{ range: '0' }, { range: '1', state: 'offline' }] });
    try {
      rmSync(join(tree.root, 'memory1/valid_zones'));
      // Whoever reads it fails.
      symlinkSync('/proc/self/mem', join(tree.root, 'memory1/valid_zones'));
      const { blocks } = captureLayout({ sysfsRoot: tree.root, zoneinfoFile: '/nonexistent', now: NOW });
      assert.deepEqual(
        blocks.map(({ range, state, zone }) => [range, state, zone]),
        [
          ['0', 'online', 'Normal'],
          ['1', 'offline', undefined],
        ],
      );
    } finally {
      tree.remove();
    }
  });

  it('does not take a zone that a block could join for the one that it is leaving', () => {
    const blocks = [block('memory7', 'going-offline', 'Normal Movable')];
    const { blocks: seen } = layoutOf({ blockSizeBytes: '8000000', blocks }, NOW);
    assert.equal(seen[0]?.zone, undefined);
  });

  it('takes a block that is going offline as online', () => {
    const blocks = [block('memory7', 'going-offline', 'Movable')];
    const { blocks: seen } = layoutOf({ blockSizeBytes: '8000000', blocks }, NOW);
    assert.deepEqual(seen, [{ range: '7', state: 'online', zone: 'Movable', numaNode: 0, removable: true }]);
  });
});

describe('layout file', () => {
  it('is read back as it was written', () => {
    const anyBlock = fc.record({
      id: fc.nat({ max: 200 }),
      state: fc.constantFrom('online', 'offline', 'going-offline'),
      zones: fc.constantFrom('none', 'DMA32', 'Normal', 'Movable', 'Normal Movable'),
      removable: fc.constantFrom('0', '1'),
      node: fc.constantFrom('node0', 'node1'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(anyBlock, { selector: ({ id }) => id, maxLength: 20 }), (made) => {
        const blocks = made.map(({ id, state, zones, removable, node }) =>
          block(`memory${String(id)}`, state, zones, removable, node),
        );
        const layout = layoutOf({ blockSizeBytes: '40000000', autoOnlineBlocks: 'online_movable\n', blocks }, NOW);
        assert.deepEqual(parseLayout(formatLayout(layout)), layout);
        const ids = layout.blocks.flatMap(({ range }) => parseBlockRanges(range));
        assert.deepEqual(
          ids,
          made.map(({ id }) => id).sort((one, other) => one - other),
        );
      }),
    );
  });

  it('is refused with the place of the mistake', () => {
    assert.throws(
      () =>
        parseLayout(
          'format: memhp-layout/v1\ncapturedAt: x\nblockSize: 128Mi\nblocks: [{ range: 0-1, state: up, numaNode: 0 }]',
        ),
      /blocks\/0\/state/,
    );
    assert.throws(() => parseLayout('hello'), /memhp capture/);
  });

  it('that ships as an example boots as a simulated node with every block of the machine', async () => {
    const text = await readFile(new URL('../../examples/layouts/vm-x86_64-24g.yaml', import.meta.url), 'utf8');
    const layout = parseLayout(text);
    const manifest = layoutToNodeMemory(layout, 'worker-1');
    const node = boot(undefined, parseBehaviour(manifest.spec.simulated ?? {}).boot, 'boot-1');
    const booted = Object.entries(node.blocks).map(([id, { state, zone }]) => [Number(id), state, zone]);
    const captured = layout.blocks.flatMap(({ range, state, zone }) =>
      parseBlockRanges(range).map((id) => [id, state, zone]),
    );
    assert.deepEqual(booted, captured);
    assert.equal(manifest.metadata.name, 'worker-1');
  });

  it('makes blocks that the kernel called not removable unmovable', () => {
    const blocks = [block('memory0', 'online', 'Normal', '0'), block('memory1', 'online', 'Normal', '1')];
    const layout = layoutOf({ blockSizeBytes: '8000000', blocks }, NOW);
    assert.equal(layoutToNodeMemory(layout, 'n').spec.simulated?.unmovable, '0');
  });
});
