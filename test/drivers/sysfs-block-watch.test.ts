/** How often all blocks are looked at, whoever asks. */
import assert from 'node:assert/strict';
import winston from 'winston';
import { BlockWatch } from '../../src/drivers/sysfs/block-watch.ts';
import type { BlockAttributes, Blocks } from '../../src/drivers/sysfs/sysfs-memory.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

const ONLINE: BlockAttributes = { state: 'online', validZones: ['Movable'], zone: 'Movable' };
const OFFLINE: BlockAttributes = { state: 'offline', validZones: ['Normal', 'Movable'] };

/** Memory of which a look takes `lookMs`, with a clock that stands still otherwise. */
class TimedMemory {
  nowMs = 0;
  cpuMs = 0;
  lookMs = 1;
  looks = 0;
  shown: Blocks = { 1: ONLINE, 2: OFFLINE };
  readonly unreadable = new Set<number>();
  changes = 0;

  watch(logger = SILENT_LOGGER): BlockWatch {
    const clock = { cpuMs: () => this.cpuMs, nowMs: () => this.nowMs };
    return new BlockWatch({ memory: this, intervalMs: 2_000, logger, clock, onChange: () => this.changes++ });
  }

  blocks(unreadable: (blockId: number, error: unknown) => BlockAttributes | undefined): Blocks {
    this.looks++;
    this.cpuMs += this.lookMs;
    this.nowMs += this.lookMs;
    const seen = Object.entries(this.shown).map(([id, block]) => {
      const blockId = Number(id);
      return [blockId, this.unreadable.has(blockId) ? unreadable(blockId, new Error('EIO')) : block] as const;
    });
    return Object.fromEntries(seen.flatMap(([blockId, block]) => (block ? [[blockId, block]] : [])));
  }
}

describe('looking at all blocks', () => {
  for (const [lookMs, share] of [
    [1, 0.002],
    [10, 0.02],
    [300, 0.02],
  ] as const) {
    it(`takes no more than ${String(share * 100)} % where a look takes ${String(lookMs)} ms, however many ask`, () => {
      const memory = new TimedMemory();
      memory.lookMs = lookMs;
      const watch = memory.watch();
      const endMs = lookMs * 1_000 + 10_000;
      while (memory.nowMs < endMs) {
        watch.blocks();
        memory.nowMs += 5;
      }
      assert.ok(memory.cpuMs <= endMs * share * 1.01 + lookMs, `${String(memory.cpuMs)} of ${String(endMs)} ms`);
      assert.ok(memory.looks > 2, 'looks all the same');
    });
  }

  it('shows half a second later at the latest what somebody has changed, and tells of it once', () => {
    const memory = new TimedMemory();
    const watch = memory.watch();
    memory.shown = { 1: ONLINE };
    memory.nowMs += 500;
    assert.deepEqual(watch.blocks(), { 1: ONLINE });
    assert.deepEqual([watch.blocks(), memory.changes], [{ 1: ONLINE }, 1]);
  });

  it('knows without another look what was read of one block', () => {
    const memory = new TimedMemory();
    const watch = memory.watch();
    watch.see(1, OFFLINE);
    watch.see(2, undefined);
    watch.see(3, ONLINE);
    watch.see(3, { ...ONLINE });
    assert.deepEqual([watch.blocks(), memory.looks, memory.changes], [{ 1: OFFLINE, 3: ONLINE }, 1, 3]);
  });

  it('takes a block that cannot be read for what it was, and says so once', () => {
    const memory = new TimedMemory();
    const told: string[] = [];
    const logger = winston.createLogger({ silent: true });
    logger.error = ((_: string, { blocks }: { blocks: string }) => {
      told.push(blocks);
      return logger;
    }) as typeof logger.error;
    const watch = memory.watch(logger);
    memory.unreadable.add(1);
    for (let look = 0; look < 3; look++) {
      memory.nowMs += 500;
      assert.deepEqual(watch.blocks(), { 1: ONLINE, 2: OFFLINE });
    }
    assert.equal(memory.looks, 4);
    assert.deepEqual(told, ['1']);
    assert.equal(memory.changes, 0);
  });
});
