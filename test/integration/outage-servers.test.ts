/** Temporal or the API server goes away for a while: nobody dies of it, nothing is done twice, all heals by itself. */
import assert from 'node:assert/strict';
import { memoryBlockName } from '../../src/contract/names.ts';
import { startOperation } from '../../src/temporal/start-operation.ts';
import { assertEndedOnce, assertLocksFree, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

/** Longer than a worker's long polls and request retries last (10 s): it has to notice. */
const OUTAGE_MS = 15_000;
/** So that an outage begins and ends while pages migrate. */
const MIGRATION_MS = 3_000;

describe('outages of the servers', function () {
  this.timeout(90_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage({ private: true });
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  const createNode = (name: string, migrationMs = 0): Promise<string> =>
    stage.createNode(name, { simulated: { ...ONE_OPERATION_LAYOUT, migrationMs } });
  const untilMigrating = (node: string, blockId: number): Promise<unknown> =>
    eventually(`memory${String(blockId)} of ${node} migrates`, async () => {
      const { transition } = (await stage.nodeState(node)).blocks[blockId] ?? {};
      return transition?.migrationStartedAtMs !== undefined;
    });
  const assertNobodyDied = (): void => {
    assert.deepEqual(stage.unexpectedExits, []);
  };

  it('Temporal: blocks say so, processes live on, operations are resumed and what was applied meanwhile is done', async () => {
    const [running, applied] = [await createNode('temporal-running', MIGRATION_MS), await createNode('temporal-new')];
    await stage.applyBlock({ nodeName: running, blockId: 4, state: 'offline' });
    await untilMigrating(running, 4);

    const { temporal } = stage.environment;
    const downSinceMs = Date.now();
    await temporal.kill();
    const name = await stage.applyBlock({ nodeName: applied, blockId: 8, state: 'online_movable' });
    const { conditions } = await stage.untilReason(name, 'TemporalUnavailable');
    const ready = conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', /cannot be reached.*Check that it runs/);
    await eventually('the outage was long', () => Date.now() - downSinceMs > OUTAGE_MS, { limitMs: 2 * OUTAGE_MS });
    assertNobodyDied();

    await temporal.start();
    await assertEndedOnce(stage, { node: running, blockId: 4, operation: 'offline' });
    await assertEndedOnce(stage, { node: applied, blockId: 8, operation: 'online' });
    assertNobodyDied();
  });

  it('API server: a running operation gives its locks back first and tells its outcome later', async () => {
    const node = await createNode('api-running', MIGRATION_MS);
    const name = await stage.applyBlock({ nodeName: node, blockId: 4, state: 'offline' });
    await untilMigrating(node, 4);

    const { controlPlane } = stage.environment;
    await controlPlane.killApiServer();
    await eventually('the pages are offline', async () => (await stage.effectsOf(node, 4)).length === 1);
    await assertLocksFree(stage, node);
    await controlPlane.startApiServer();
    await assertEndedOnce(stage, { node, blockId: 4, operation: 'offline' });

    // The watches have healed: what happens from now on is seen.
    await stage.editBlock(name, { state: 'online_movable' });
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(node, 4), ['pages-offline', 'pages-online']);
    assertNobodyDied();
  });

  it('API server: an operation that cannot look again gives way within its limit, and is tried again', async () => {
    const node = await createNode('api-looking');
    await stage.applyBlock({ nodeName: node, blockId: 9, state: 'online_movable' });
    await stage.waitReady(memoryBlockName(node, 9)); // the lock entity has its epoch
    const name = await stage.applyBlock({ nodeName: node, blockId: 8 });
    const block = await stage.untilReason(name, 'ObserveOnly').then(() => stage.block(name));

    const { controlPlane } = stage.environment;
    await controlPlane.killApiServer();
    const { uid = '', generation = 0 } = block?.metadata ?? {};
    const cluster = stage.clusterId;
    const input = { cluster, node, block: { name, uid, generation }, lockTimeoutMs: 5_000, blockId: 8 };
    await startOperation(stage.temporal, {
      workflowId: stage.operationId(node, 8),
      request: { type: 'online', input: { ...input, onlineType: 'online_movable' } },
    });
    await eventually('the locks are held', async () => (await stage.lockTable(node)).length > 0);
    await assertLocksFree(stage, node);
    await controlPlane.startApiServer();

    const { lastOperation } = await stage.untilBlock(name, 'told', ({ status }) => status?.lastOperation !== undefined);
    assert.deepEqual([lastOperation?.result, lastOperation?.errno], ['Failed', 'EAGAIN']);
    assert.deepEqual(await stage.effectsOf(node, 8), [], 'nothing was done without a second look');
    await stage.editBlock(name, { state: 'online_movable' });
    await stage.untilBlock(name, 'Ready', ({ status }) => readyOf(status)?.reason === 'Settled');
    assert.deepEqual(await stage.effectsOf(node, 8), ['pages-online']);
    assertNobodyDied();
  });
});
