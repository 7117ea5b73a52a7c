/**
 * Taking this project away changes no memory: not the operator, not the objects' kinds, not any namespace. The kinds are
 * cluster-scoped, so no namespace holds anything of ours; the test deletes one that exists anyway, and checks that.
 */
import assert from 'node:assert/strict';
import type { SimulatedState } from '../../src/drivers/simulated/state.ts';
import { eventually } from '../support/eventually.ts';
import { CRD_DIRECTORY } from '../support/custom-resource-definitions.ts';
import { ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'uninstalled';
/** Online by us; one whose deletion means "take it away", one whose deletion means "leave it". */
const BLOCKS = [
  { nodeName: NODE, blockId: 8, state: 'online_movable', deletionPolicy: 'Remove' },
  { nodeName: NODE, blockId: 9, state: 'online_movable', deletionPolicy: 'Retain' },
] as const;

describe('uninstalling', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let expected: { readonly memory: SimulatedState['blocks']; readonly effects: number };

  const memory = async () => ({
    memory: (await stage.nodeState(NODE)).blocks,
    effects: (await stage.effects(NODE)).length,
  });
  const assertSameMemory = async (): Promise<void> => {
    assert.deepEqual(await memory(), expected);
  };
  const applyAll = async (): Promise<void> => {
    for (const block of BLOCKS) await stage.waitReady(await stage.applyBlock(block));
  };

  before(async () => {
    stage = await openOperatorStage({ private: true, operators: 1 });
    // An agent as on a real node: it serves one, and creates the NodeMemory of it.
    await stage.createNode(NODE, { simulated: ONE_OPERATION_LAYOUT });
    await stage.process('agent').stop();
    await stage.environment.startAgent({ name: 'node-agent', args: ['--node', NODE] });
    await applyAll();
    expected = await memory();
    assert.equal(expected.effects, 2);
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  it('a namespace: its deletion is accepted and touches neither objects nor memory', async () => {
    await stage.kubectl.succeed(['create', 'namespace', 'memhp-system']);
    // Nothing runs here that would finish its deletion; what counts is what the deletion can reach.
    await stage.kubectl.succeed(['delete', 'namespace', 'memhp-system', '--wait=false']);
    const left = await stage.kubectl.succeed(['get', 'mb,nmem', '--namespace=memhp-system', '-o', 'name']);
    const names = ['memoryblock', 'memoryblock', 'nodememory'].map((kind) => `${kind}.memoryhotplug.io`);
    assert.deepEqual(
      left
        .trimEnd()
        .split('\n')
        .map((line) => line.split('/')[0]),
      names,
      'the objects of cluster-scoped kinds are there, whatever namespace is asked about',
    );
    await assertSameMemory();
  });

  it('the operator: memory stays, objects stay, and a new operator finds nothing to do', async () => {
    const report = await stage.process('operator-1').stop();
    assert.equal(report.status, 0, report.logTail);
    await assertSameMemory();
    await stage.startOperator('operator-1');
    await applyAll();
    await assertSameMemory();
  });

  it('the kinds, while the operator runs: the deletion ends, and memory stays, whatever deletionPolicy says', async () => {
    await stage.kubectl.succeed(['delete', '-f', CRD_DIRECTORY, '--timeout=30s']);
    await assertSameMemory();
  });

  it('the kinds, installed again: agent and operator heal, NodeMemory returns, memory is as before', async () => {
    await stage.kubectl.succeed(['apply', '--server-side', '-f', CRD_DIRECTORY]);
    await stage.kubectl.succeed(['wait', '--for=condition=Established', '--timeout=30s', '-f', CRD_DIRECTORY]);
    await eventually('the agent serves its node again', async () => {
      const { conditions } = (await stage.node(NODE))?.status ?? {};
      return conditions?.find(({ type }) => type === 'AgentReady')?.status === 'True';
    });
    await eventually('kubectl knows the kind', async () => {
      await applyAll();
      return true;
    });
    await assertSameMemory();
    assert.deepEqual(stage.unexpectedExits, []);
  });

  it('the kinds, while no operator runs: the deletion waits for one, which lets go and changes nothing', async () => {
    await stage.process('operator-1').stop();
    await stage.kubectl.succeed(['delete', '-f', CRD_DIRECTORY, '--wait=false']);
    await eventually('the object is being deleted, and held by the finalizer of deletionPolicy Remove', async () => {
      const { metadata } = (await stage.block(`${NODE}-memory8`)) ?? {};
      return metadata?.deletionTimestamp !== undefined;
    });
    await stage.environment.startOperator({ name: 'operator-1' }); // two of the kinds that it watches are gone already
    await stage.kubectl.succeed(['wait', '--for=delete', '--timeout=30s', '-f', CRD_DIRECTORY]);
    await assertSameMemory();
  });
});
