/** What is read of blocks, and when: devices that come and go, and files that change between two reads. */
import assert from 'node:assert/strict';
import fs, { rmSync, symlinkSync, truncateSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { SysfsMemory } from '../../src/drivers/sysfs/sysfs-memory.ts';
import { createSysfsTree, type SysfsTree, type SysfsTreeOptions } from '../support/sysfs-tree.ts';

describe('memory blocks in sysfs', () => {
  let tree: SysfsTree;
  let memory: SysfsMemory;
  afterEach(() => {
    tree.remove();
  });

  const start = (blocks: SysfsTreeOptions['blocks']): void => {
    tree = createSysfsTree({ blocks });
    memory = new SysfsMemory(tree.root);
  };
  const path = (file: string): string => join(tree.root, file);
  const unlink = (blockId: number): void => {
    rmSync(path(`memory${String(blockId)}/node0`));
  };

  describe('that are being added', () => {
    /** Whoever reads `valid_zones` of the block now, fails. */
    const forbidZones = (blockId: number): void => {
      rmSync(path(`memory${String(blockId)}/valid_zones`));
      symlinkSync('/proc/self/mem', path(`memory${String(blockId)}/valid_zones`));
    };

    it('are not asked for their zones before they are linked to a NUMA node', () => {
      start([{ range: '0' }, { range: '41', state: 'offline' }]);
      unlink(41);
      forbidZones(41);
      assert.deepEqual(memory.block(41), { state: 'offline', validZones: [] });
      symlinkSync('../../node/node0', path('memory41/node0'));
      assert.throws(() => memory.block(41), /EIO/, 'the test tests something');
    });

    it('are not taken for the device that had the name before', () => {
      start([{ range: '0' }, { range: '41', validZones: 'Movable' }]);
      assert.equal(memory.block(41)?.numaNode, 0);
      tree.unplug(41);
      tree.plug({ range: '41', state: 'offline' });
      unlink(41);
      forbidZones(41);
      assert.deepEqual(memory.block(41), { state: 'offline', validZones: [] });
    });

    it('are read where the kernel has no NUMA nodes', () => {
      start([{ range: '0' }, { range: '41', state: 'offline' }]);
      for (const blockId of [0, 41]) unlink(blockId);
      assert.deepEqual(memory.block(41)?.validZones, ['Normal', 'Movable']);
    });
  });

  describe('that change between two reads', () => {
    const { readFileSync } = fs;
    afterEach(() => {
      fs.readFileSync = readFileSync;
      syncBuiltinESMExports();
    });
    /** Calls `act` after each read of a `state`, with how many there have been. */
    const afterEachStateRead = (act: (reads: number) => void): void => {
      let reads = 0;
      fs.readFileSync = ((file: fs.PathOrFileDescriptor, options: 'utf8') => {
        const text = readFileSync(file, options);
        if (String(file).endsWith('/state')) act(++reads);
        return text;
      }) as typeof fs.readFileSync;
      syncBuiltinESMExports();
    };

    it('keep the zone that they are leaving when they begin to go offline in the middle of a look', () => {
      start([{ range: '40', validZones: 'Movable' }]);
      assert.equal(memory.block(40)?.zone, 'Movable');
      afterEachStateRead((reads) => {
        if (reads > 1) return;
        tree.writeFile('memory40/valid_zones', 'Normal Movable');
        tree.write(40, 'going-offline');
      });
      for (const look of ['in the middle', 'afterwards']) {
        const { state, zone } = memory.block(40) ?? {};
        assert.deepEqual([state, zone], ['going-offline', 'Movable'], look);
      }
    });

    it('are read again while their state is empty', () => {
      start([{ range: '41', state: 'offline' }]);
      truncateSync(path('memory41/state'));
      afterEachStateRead((reads) => {
        if (reads === 3) tree.write(41, 'offline');
      });
      assert.equal(memory.block(41)?.state, 'offline');
    });
  });

  it('do not remember a zone that was one of several', () => {
    start([{ range: '40', validZones: 'Normal Movable' }]);
    assert.equal(memory.block(40)?.zone, 'Normal');
    tree.write(40, 'going-offline');
    assert.equal(memory.block(40)?.zone, undefined);
  });

  it('are neither online nor absent while nothing is in their state', () => {
    start([{ range: '41', state: 'offline' }]);
    truncateSync(path('memory41/state'));
    assert.throws(() => memory.block(41), /state of a memory block is empty/);
  });

  it('stand in for themselves as somebody says where they cannot be read', () => {
    start([{ range: '0' }, { range: '41-42', state: 'offline' }]);
    const [seen] = [memory.block(42)];
    truncateSync(path('memory41/state'));
    truncateSync(path('memory42/state'));
    const blocks = memory.blocks((blockId) => (blockId === 42 ? seen : undefined));
    assert.deepEqual(Object.keys(blocks), ['0', '42']);
    assert.equal(blocks[42]?.state, 'offline');
  });
});
