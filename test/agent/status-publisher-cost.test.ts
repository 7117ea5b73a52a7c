/** How often the node is looked at and the cluster written to, by what has happened. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StatusPublisher } from '../../src/agent/status-publisher.ts';
import type { MemoryDriver } from '../../src/contract/memory-driver.ts';
import type { ObservedBlock } from '../../src/contract/resources.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryBlock, RecordingWriter } from '../support/recording-writer.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

const BLOCKS = 200;
const SETTLE_MS = 20;

/** Block 0 can be changed by hand, and counts how often it is asked. */
class CountingDriver {
  state: 'online' | 'offline' = 'online';
  observes = 0;
  looks = 0;

  observe(blockId: number): Promise<ObservedBlock> {
    this.observes++;
    const state = blockId === 0 ? this.state : 'online';
    const physicalAddress = `0x${(blockId * 2 ** 27).toString(16)}`;
    return Promise.resolve({ state, physicalAddress, blockSize: '128Mi', bootId: 'boot-1' });
  }

  status() {
    this.looks++;
    const rest = { range: `1-${String(BLOCKS - 1)}`, state: 'online' } as const;
    const blocks = [{ range: '0', state: this.state }, rest];
    return Promise.resolve({ driver: 'counting', blockSize: '128Mi', bootId: 'boot-1', blocks });
  }

  counts(): { looks: number; observes: number } {
    const { looks, observes } = this;
    this.looks = this.observes = 0;
    return { looks, observes };
  }
}

describe('cost of publishing', () => {
  let driver: CountingDriver;
  let writer: RecordingWriter;
  let clock: FakeClock;
  let publisher: StatusPublisher;

  const names = (): string[] => writer.written.splice(0).map(({ name }) => name);
  /** Until nothing is under way: what it does waits for nothing but turns of the event loop. */
  const idle = async (): Promise<void> => {
    for (let quiet = 0, before = -1; quiet < 5; quiet++) {
      await nextTurn();
      const now = driver.observes + driver.looks + writer.attempts;
      if (now !== before) quiet = 0;
      before = now;
    }
  };

  beforeEach(() => {
    driver = new CountingDriver();
    writer = new RecordingWriter();
    clock = new FakeClock();
    const options = { node: 'worker-1', writer, logger: SILENT_LOGGER, clock };
    publisher = new StatusPublisher({ ...options, driver: driver as unknown as MemoryDriver });
    // Every write comes back by the watch, as that of a real API server.
    writer.onWrite = async (name, status) => {
      await nextTurn();
      const [, blockId] = /memory(\d+)$/.exec(name) ?? [];
      if (blockId !== undefined) setImmediate(() => publisher.blockSeen(memoryBlock(Number(blockId), status)));
      else setImmediate(() => publisher.nodeSeen({ metadata: { name }, spec: {}, status }));
    };
  });

  const appear = async (): Promise<void> => {
    for (let blockId = 0; blockId < BLOCKS; blockId++) publisher.blockSeen(memoryBlock(blockId));
    await idle();
  };

  it('n blocks that appear are n writes and at most 2n looks at one block, none at all of them', async () => {
    await appear();
    assert.equal(new Set(names()).size, BLOCKS);
    const { looks, observes } = driver.counts();
    assert.equal(looks, 0);
    assert.ok(observes >= BLOCKS && observes <= 2 * BLOCKS, String(observes));
    assert.equal(writer.attempts, BLOCKS);
  });

  it('a block that somebody else has written costs one look at that block, and no write', async () => {
    await appear();
    const seen = { ...writer.lastOf('worker-1-memory7'), observedGeneration: 2 };
    names();
    driver.counts();
    publisher.blockSeen(memoryBlock(7, seen));
    await idle();
    assert.deepEqual([driver.counts(), names()], [{ looks: 0, observes: 1 }, []]);
  });

  it('a change on the node costs one look however often it is told, one at each block written, and no other', async () => {
    await appear();
    await publisher.publish();
    await idle();
    names();
    driver.counts();
    driver.state = 'offline';
    for (let told = 0; told < 5; told++) publisher.changed();
    clock.advance(SETTLE_MS);
    await idle();
    assert.deepEqual([driver.counts(), names()], [{ looks: 1, observes: 1 }, ['worker-1-memory0', 'worker-1']]);
  });

  it('a NodeMemory that somebody else has written costs nothing', async () => {
    await publisher.publish();
    await idle();
    const { status } = { status: writer.lastOf('worker-1') ?? {} };
    names();
    driver.counts();
    publisher.nodeSeen({ metadata: { name: 'worker-1' }, spec: {}, status: { ...status, locks: [] } });
    await idle();
    assert.deepEqual([driver.counts(), names()], [{ looks: 0, observes: 0 }, []]);
  });

  it('blocks are written side by side, four at most, and the node when all of them are', async () => {
    let underWay = 0;
    let most = 0;
    const order: string[] = [];
    writer.onWrite = async (name) => {
      most = Math.max(most, ++underWay);
      await nextTurn();
      underWay--;
      order.push(name);
    };
    for (let blockId = 0; blockId < BLOCKS; blockId++) publisher.blockSeen(memoryBlock(blockId));
    await publisher.publish();
    assert.equal(most, 4);
    assert.equal(order.indexOf('worker-1'), BLOCKS);
  });

  it('a change that is told at any moment of a pass is published by the time that publish resolves', async () => {
    writer.onWrite = () => undefined;
    for (let gap = 0; gap < 60; gap++) {
      driver.state = 'offline';
      publisher.blockSeen(memoryBlock(0));
      publisher.setReadiness({ status: 'True', reason: 'Serving', message: String(gap) });
      for (let turn = 0; turn < gap; turn++) await Promise.resolve();
      driver.state = 'online';
      await publisher.publish();
      assert.equal((writer.lastOf('worker-1-memory0') as ObservedBlock).state, 'online', `after ${String(gap)} turns`);
    }
  });
});
