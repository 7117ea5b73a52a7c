/** An upgrade while memory is being moved: the new version first shows that it can go on with what runs, then takes over. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE } from '../../src/cli/package-version.ts';
import { memoryBlockName } from '../../src/contract/names.ts';
import { assertEndedOnce, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';
import { REPOSITORY } from '../support/run-command.ts';

const OPERATIONS = 12;
const BLOCK = 4;
/** Until the test says otherwise; the operation itself would give up after 300 s. */
const MIGRATION_MS = 600_000;
/** Offline to begin with, and no other test's. */
const BLOCK_OF_TREE = 10;
const IN_NAMESPACE = ['-n', 'memhp-system'] as const;

describe('a rollout with operations in flight', function () {
  this.timeout(180_000);
  let stage: E2eStage;
  const nodes = Array.from({ length: OPERATIONS }, (_, index) => `sim-rollout-${String(index)}`);

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
    const simulated = { ...ONE_OPERATION_LAYOUT, migrationMs: MIGRATION_MS };
    await Promise.all(nodes.map((node) => stage.createNode(node, { simulated })));
  });

  it('each of them finishes exactly once, carried on by the new version', async () => {
    await Promise.all(nodes.map((nodeName) => stage.applyBlock({ nodeName, blockId: BLOCK, state: 'offline' })));
    await eventually(
      `${String(OPERATIONS)} operations are under way`,
      async () => {
        const states = await Promise.all(
          nodes.map(async (node) => (await stage.blockStatus(memoryBlockName(node, BLOCK))).state),
        );
        return states.every((state) => state === 'going-offline');
      },
      { limitMs: 60_000 },
    );
    assert.deepEqual(await versionsOf('operator', stage), [PACKAGE.version]);
    await replay(stage);
    await rollOut('deployment/memhp-operator', 'operator', stage);
    await runsNext('operator', stage);
    const stillRunning = await stage.operations('ExecutionStatus = "Running" AND WorkflowType = "offlineMemory"');
    assert.equal(stillRunning.length, OPERATIONS, 'every operation has outlived the rollout');
    await Promise.all(nodes.map((node) => stage.behave(node, { migrationMs: 0 })));
    for (const node of nodes) await assertEndedOnce(stage, { node, blockId: BLOCK, operation: 'offline' });
  });

  it('the new version works with agents of the old one', async () => {
    assert.deepEqual(await versionsOf('simulated-agent', stage), [PACKAGE.version]);
    const node = await stage.createNode('sim-old-agent', { simulated: ONE_OPERATION_LAYOUT });
    await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online' });
    await assertEndedOnce(stage, { node, blockId: 8, operation: 'online' });
  });

  it('the agents follow, and work with nodes that the old ones have served', async () => {
    await rollOut('deployment/memhp-simulated-agent', 'agent', stage);
    await rollOut('daemonset/memhp-agent', 'agent', stage);
    await runsNext('simulated-agent', stage);
    await runsNext('agent', stage);
    const [node = ''] = nodes;
    await stage.applyBlock({ nodeName: node, blockId: BLOCK, state: 'online' });
    await stage.waitReady(memoryBlockName(node, BLOCK), 40);
    assert.deepEqual(await stage.effectsOf(node, BLOCK), ['pages-offline', 'pages-online']);
    const real = { nodeName: stage.nodeName, blockId: BLOCK_OF_TREE, state: 'online' } as const;
    await stage.waitReady(await stage.applyBlock(real), 40);
    assert.match(await stage.treeState(BLOCK_OF_TREE), /^online/);
  });
});

/** Of the processes that run, as their metrics say; each once. Throws while a pod is about to end: it may answer late, or never. */
async function versionsOf(component: string, { kubectl }: E2eStage): Promise<readonly string[]> {
  const selector = `--selector=app.kubernetes.io/component=${component}`;
  const listed = await kubectl.succeed([...IN_NAMESPACE, 'get', 'pods', selector, '-o', 'json']);
  const { items } = JSON.parse(listed) as { items: { metadata: { name: string; deletionTimestamp?: string } }[] };
  const versions = items.map(async ({ metadata: { name, deletionTimestamp } }) => {
    if (deletionTimestamp !== undefined) throw new Error(`pod ${name} is about to end`);
    const metrics = `/api/v1/namespaces/memhp-system/pods/${name}:8080/proxy/metrics`;
    return /^memhp_build_info\{version="(.+?)"/m.exec(await kubectl.succeed(['get', '--raw', metrics]))?.[1] ?? '';
  });
  return [...new Set(await Promise.all(versions))];
}

/** A pod is listed until it has ended: up to 40 s. */
async function runsNext(component: string, stage: E2eStage): Promise<void> {
  await eventually(
    `every pod of component ${component} runs ${stage.nextVersion}`,
    async () => (await versionsOf(component, stage)).join() === stage.nextVersion,
    { limitMs: 45_000 },
  );
}

/** As docs/upgrade.md says: a Job of the new image, before anything is replaced. */
async function replay({ kubectl, image, nextImage }: E2eStage): Promise<void> {
  const job = await readFile(path.join(REPOSITORY, 'deploy/jobs/replay.yaml'), 'utf8');
  await kubectl.succeed(['apply', '-f', '-'], job.replaceAll(image, nextImage));
  const complete = ['wait', '--for=condition=Complete', '--timeout=50s', 'job/memhp-replay'];
  await kubectl.succeed([...IN_NAMESPACE, ...complete]);
}

async function rollOut(workload: string, container: string, { kubectl, nextImage }: E2eStage): Promise<void> {
  await kubectl.succeed([...IN_NAMESPACE, 'set', 'image', workload, `${container}=${nextImage}`]);
  await kubectl.succeed([...IN_NAMESPACE, 'rollout', 'status', workload, '--timeout=55s']);
}
