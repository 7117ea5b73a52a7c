import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeMemory, NodeMemoryStatus } from '../../src/contract/resources.ts';
import { StatusPublisher } from '../../src/agent/status-publisher.ts';
import { OperationRun } from '../support/driver-run.ts';
import { ManualClock, memoryBlock, RecordingWriter } from '../support/recording-writer.ts';
import { SILENT_LOGGER, startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';

const NODE: NodeMemory = { metadata: { name: 'worker-1' }, spec: {} };

describe('status publisher', () => {
  let node: SimulatedNode;
  let writer: RecordingWriter;
  let clock: ManualClock;
  let publisher: StatusPublisher;

  beforeEach(() => {
    node = startSimulatedNode();
    writer = new RecordingWriter();
    clock = new ManualClock();
    publisher = new StatusPublisher({ node: 'worker-1', driver: node.driver, writer, logger: SILENT_LOGGER, clock });
  });
  afterEach(async () => {
    await node.remove();
  });

  const lastOf = (name: string): object | undefined => writer.lastOf(name);

  it('gives a new MemoryBlock its state, absent ones too, and the node its ranges', async () => {
    publisher.blockSeen(memoryBlock(40));
    publisher.blockSeen(memoryBlock(32));
    await publisher.publish();
    const { bootId } = await node.driver.inspect([]);
    assert.deepEqual(lastOf('worker-1-memory40'), {
      state: 'online',
      zone: 'Movable',
      physicalAddress: '0x140000000',
      blockSize: '128Mi',
      bootId,
    });
    assert.deepEqual(lastOf('worker-1-memory32'), {
      state: 'absent',
      physicalAddress: '0x100000000',
      blockSize: '128Mi',
      bootId,
    });
    const status = lastOf('worker-1') as NodeMemoryStatus;
    assert.deepEqual(
      status.conditions?.map(({ type, status: value }) => [type, value]),
      [['AgentReady', 'True']],
    );
    assert.deepEqual(
      status.blocks?.map(({ range }) => range),
      ['0', '1-7', '40'],
    );
  });

  it('writes nothing when nothing has changed, also after a restart', async () => {
    publisher.blockSeen(memoryBlock(40));
    await publisher.publish();
    const { attempts } = writer;
    await publisher.publish();
    assert.equal(writer.attempts, attempts);
    const second = new StatusPublisher({ node: 'worker-1', driver: node.driver, writer, logger: SILENT_LOGGER, clock });
    second.nodeSeen({ ...NODE, status: lastOf('worker-1') as NodeMemoryStatus });
    second.blockSeen(memoryBlock(40, lastOf('worker-1-memory40')));
    await second.publish();
    assert.equal(writer.attempts, attempts);
  });

  it('writes again what somebody else has changed or a new object lacks', async () => {
    publisher.blockSeen(memoryBlock(40));
    await publisher.publish();
    publisher.blockSeen(memoryBlock(40, { state: 'offline' }));
    await publisher.publish();
    publisher.blockGone('worker-1-memory40');
    publisher.blockSeen(memoryBlock(40));
    await publisher.publish();
    assert.equal(writer.written.filter(({ name }) => name === 'worker-1-memory40').length, 3);
  });

  it('has written the change by the time that publish resolves', async () => {
    publisher.blockSeen(memoryBlock(40));
    await publisher.publish();
    const { bootId } = await node.driver.inspect([]);
    await new OperationRun(node.driver, 1, { operation: 'offline', blockId: 40, bootId }).step('prepare');
    await publisher.publish();
    assert.equal((lastOf('worker-1-memory40') as { state: string }).state, 'going-offline');
  });

  it('waits five seconds at most for what a step has changed, and writes it when the API server is back', async () => {
    writer.isDown = true;
    publisher.blockSeen(memoryBlock(40));
    const tried = new Promise<void>((resolve) => (writer.onWrite = () => resolve()));
    const published = publisher.publish([40]);
    await tried;
    assert.equal(await Promise.race([published, nextTurn('waits')]), 'waits');
    clock.fire((delayMs) => delayMs === 5_000);
    await published;
    assert.deepEqual(writer.written, []);
    writer.isDown = false;
    await publisher.publish([40]);
    assert.equal((lastOf('worker-1-memory40') as { state: string }).state, 'online');
  });

  it('says on stop that nobody serves the node', async () => {
    await publisher.stop();
    const [condition] = (lastOf('worker-1') as NodeMemoryStatus).conditions ?? [];
    assert.deepEqual([condition?.status, condition?.reason], ['False', 'Stopped']);
  });

  it('publishes further conditions beside AgentReady, and again only when they change', async () => {
    let status: 'True' | 'False' = 'True';
    const moreConditions = () => Promise.resolve([{ type: 'NotifiersBypassed', status, reason: 'R', message: 'm' }]);
    const more = { node: 'worker-1', driver: node.driver, writer, logger: SILENT_LOGGER, clock, moreConditions };
    const first = new StatusPublisher(more);
    await first.publish();
    const told = (): (string | undefined)[] | undefined =>
      (lastOf('worker-1') as NodeMemoryStatus).conditions?.map(({ type, status: value }) => `${type} ${value}`);
    assert.deepEqual(told(), ['AgentReady True', 'NotifiersBypassed True']);
    const second = new StatusPublisher(more);
    second.nodeSeen({ ...NODE, status: lastOf('worker-1') as NodeMemoryStatus });
    await second.publish();
    assert.equal(writer.attempts, 1);
    status = 'False';
    await second.publish();
    assert.deepEqual(told(), ['AgentReady True', 'NotifiersBypassed False']);
  });

  it('keeps the time of a condition while its status is the same', async () => {
    const since = '2020-01-01T00:00:00Z';
    const known = {
      type: 'AgentReady',
      status: 'True',
      reason: 'Serving',
      message: 'x',
      lastTransitionTime: since,
    } as const;
    publisher.nodeSeen({ ...NODE, status: { conditions: [known] } });
    await publisher.publish();
    const [condition] = (lastOf('worker-1') as NodeMemoryStatus).conditions ?? [];
    assert.equal(condition?.lastTransitionTime, since);
  });
});
