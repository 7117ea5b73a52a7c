/** Objects that cannot be written, and what that keeps waiting. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StatusPublisher } from '../../src/agent/status-publisher.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryBlock, RecordingWriter } from '../support/recording-writer.ts';
import { SILENT_LOGGER, startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';

const BAD = 'worker-1-memory1';
const GOOD = 'worker-1-memory40';
const BACKOFF_MS_MAX = 30_000;

describe('a status that cannot be written', () => {
  let node: SimulatedNode;
  let writer: RecordingWriter;
  let clock: FakeClock;
  let publisher: StatusPublisher;
  let attemptsAtBad = 0;

  beforeEach(() => {
    node = startSimulatedNode();
    writer = new RecordingWriter();
    clock = new FakeClock();
    const options = { node: 'worker-1', writer, logger: SILENT_LOGGER, clock, random: () => 1 };
    publisher = new StatusPublisher({ ...options, driver: node.driver });
    writer.refused.add(BAD);
    attemptsAtBad = 0;
    writer.onWrite = (name) => {
      if (name === BAD) attemptsAtBad++;
    };
    for (const blockId of [1, 40]) publisher.blockSeen(memoryBlock(blockId));
  });
  afterEach(async () => {
    await node.remove();
  });

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  };

  it('keeps no other object of its node waiting, and no step that did not change it', async () => {
    await publisher.publish([40]);
    assert.ok(writer.lastOf(GOOD));
    assert.ok(writer.lastOf('worker-1'));
    const before = attemptsAtBad;
    await publisher.publish([40]);
    await publisher.publish([]);
    assert.equal(attemptsAtBad, before, 'it is not tried before its time');
  });

  it('is tried again with a growing backoff of its own, until it succeeds', async () => {
    await publisher.publish();
    for (const [index, waitMs] of [200, 400, 800].entries()) {
      clock.advance(waitMs - 1);
      await turns();
      assert.equal(attemptsAtBad, index + 1);
      clock.advance(1);
      await turns();
      assert.equal(attemptsAtBad, index + 2);
    }
    writer.refused.clear();
    clock.advance(BACKOFF_MS_MAX);
    await eventually('it is written', () => writer.lastOf(BAD) !== undefined, { everyMs: 1 });
    const attempts = attemptsAtBad;
    clock.advance(2 * BACKOFF_MS_MAX);
    await turns();
    assert.equal(attemptsAtBad, attempts);
  });

  it('is tried at once when it has been edited, or when a step has changed it', async () => {
    await publisher.publish();
    publisher.blockSeen(memoryBlock(1));
    await turns();
    assert.equal(attemptsAtBad, 2);
    writer.refused.clear();
    await publisher.publish([1]);
    assert.ok(writer.lastOf(BAD));
  });

  it('is forgotten with its object, and on stop', async () => {
    await publisher.publish();
    publisher.blockGone(BAD);
    clock.advance(BACKOFF_MS_MAX);
    await turns();
    assert.equal(attemptsAtBad, 1);
    publisher.blockSeen(memoryBlock(1));
    await turns();
    await publisher.stop();
    assert.equal(clock.pending, 0);
  });

  it('of the node is tried on stop for as long as a step would wait', async () => {
    await publisher.publish();
    writer.isDown = true;
    const stopped = publisher.stop();
    await turns();
    writer.isDown = false;
    clock.advance(1_000);
    await stopped;
    const { conditions: [condition] = [] } = writer.lastOf('worker-1') as { conditions?: { reason: string }[] };
    assert.equal(condition?.reason, 'Stopped');
  });
});
