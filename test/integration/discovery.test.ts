/** MemoryBlocks that the operators create by themselves, as `NodeMemory.spec.discovery` asks. */
import assert from 'node:assert/strict';
import { formatBlockRanges } from '../../src/contract/block-ranges.ts';
import { DISCOVERED_LABEL } from '../../src/contract/names.ts';
import type { MemoryBlock, NodeMemorySpec } from '../../src/contract/resources.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'discovery';
const LARGE = 'discovery-large';
const LARGE_BLOCKS = 96;

describe('discovery', function () {
  this.timeout(90_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
  });
  after(async () => {
    await stage.deleteNode(NODE);
    await stage.deleteNode(LARGE);
  });

  async function discovered(node: string): Promise<readonly MemoryBlock[]> {
    const selected = ['-l', `${DISCOVERED_LABEL}=true`, `--field-selector=spec.nodeName=${node}`, '-o', 'json'];
    return (JSON.parse(await stage.kubectl.succeed(['get', 'mb', ...selected])) as { items: MemoryBlock[] }).items;
  }

  async function untilDiscovered(node: string, range: string): Promise<readonly MemoryBlock[]> {
    return eventually(`MemoryBlocks of ${node}: ${range || 'none'}`, async () => {
      const blocks = await discovered(node);
      return formatBlockRanges(blocks.map(({ spec }) => spec.blockId)) === range && blocks;
    });
  }

  async function setDiscovery(discovery: NodeMemorySpec['discovery']): Promise<void> {
    await stage.kubectl.succeed([
      'patch',
      `nmem/${NODE}`,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { discovery } }),
    ]);
  }

  it('creates objects that only observe, for the blocks that can be taken away', async () => {
    await stage.createNode(NODE, { discovery: 'Removable' });
    const blocks = await untilDiscovered(NODE, '4-7');
    for (const { metadata, spec } of blocks) {
      assert.deepEqual([spec.state, spec.deletionPolicy], [undefined, 'Retain']);
      assert.deepEqual([metadata.finalizers, metadata.ownerReferences], [undefined, undefined]);
    }
    const status = await stage.untilReason(`${NODE}-memory5`, 'ObserveOnly');
    assert.equal(status.operation, undefined);
    await stage.untilBlock(`${NODE}-memory5`, 'seen by the agent', (block) => block.status?.zone === 'Movable');
  });

  it('tells of them on the NodeMemory', async () => {
    const told = await eventually('events about four blocks', async () => {
      const events = (await stage.events(NODE)).filter(({ reason }) => reason === 'BlocksDiscovered');
      const counts = events.map(({ message }) => Number(/^\d+/.exec(message)?.[0]));
      return counts.reduce((sum, count) => sum + count, 0) === 4 && events;
    });
    assert.ok(told.length <= 2, 'by each operator at most once');
    assert.match(told[0]?.message ?? '', /^\d MemoryBlocks? created, as discovery is Removable: memory blocks [4-7]/);
  });

  it('leaves an object that somebody else has created as it is, and finds blocks that come later', async () => {
    const mine = await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'offline' });
    await stage.waitReady(mine);
    await stage.byHand(NODE, 'memory3', 'offline');
    await untilDiscovered(NODE, '3-7');
    const { metadata, spec } = (await stage.block(mine)) ?? assert.fail('it is gone');
    assert.deepEqual([metadata.labels, spec.state], [undefined, 'offline']);
  });

  it('gives a spec.state to whoever applies one, and a policy to whoever insists', async () => {
    const applyServerSide = async (spec: object, ...flags: string[]) => {
      const typed = { apiVersion: 'memoryhotplug.io/v1alpha1', kind: 'MemoryBlock' };
      const manifest = {
        ...typed,
        metadata: { name: `${NODE}-memory6` },
        spec: { nodeName: NODE, blockId: 6, ...spec },
      };
      return stage.kubectl.run(['apply', '--server-side', ...flags, '-f', '-'], manifest);
    };
    assert.equal((await applyServerSide({ state: 'online_movable' })).status, 0);
    await stage.waitReady(`${NODE}-memory6`);
    const policy = { state: 'online_movable', driftPolicy: 'Correct' };
    assert.match((await applyServerSide(policy)).stderr, /conflict with "memhp-operator".*\.spec\.driftPolicy/s);
    assert.equal((await applyServerSide(policy, '--force-conflicts')).status, 0);
    await stage.applyBlock({ nodeName: NODE, blockId: 7, state: 'online' });
    await stage.waitReady(`${NODE}-memory7`);
  });

  it('brings back what is deleted, as long as it is asked for', async () => {
    const uid = (await stage.block(`${NODE}-memory4`))?.metadata.uid;
    await stage.kubectl.succeed(['delete', `mb/${NODE}-memory4`]);
    await stage.untilBlock(`${NODE}-memory4`, 'another', ({ metadata }) => metadata.uid !== uid);
    await setDiscovery('All');
    await untilDiscovered(NODE, '0-7');
  });

  it('changes no memory', async () => {
    const changes = (await stage.effects(NODE)).filter(({ blockId }) => blockId !== 8);
    assert.ok(
      changes.every(({ blockId }) => blockId === 3),
      JSON.stringify(changes),
    );
  });

  it('finds many blocks with about one request each, by all operators together', async () => {
    const before = await creates();
    const blocks = [{ range: `0-${String(LARGE_BLOCKS - 1)}`, state: 'online', zone: 'Movable' }] as const;
    await stage.createNode(LARGE, { discovery: 'All', simulated: { blocks, maxBlockId: 1023 } });
    await untilDiscovered(LARGE, `0-${String(LARGE_BLOCKS - 1)}`);
    const made = (await creates()) - before;
    // Two operators that knew nothing of each other would make twice as many.
    assert.ok(made <= LARGE_BLOCKS * 1.8, `${String(made)} creates for ${String(LARGE_BLOCKS)} blocks`);
  });

  /** Requests to create a MemoryBlock that the API server has answered. */
  async function creates(): Promise<number> {
    const metrics = await stage.kubectl.succeed(['get', '--raw', '/metrics']);
    const counted = ['apiserver_request_total{', 'resource="memoryblocks"', 'verb="POST"'];
    const lines = metrics.split('\n').filter((line) => counted.every((part) => line.includes(part)));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
});
