/** An upgrade while memory is being moved: the new version first shows that it can go on with what runs, then takes over. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { memoryBlockName } from '../../src/contract/names.ts';
import { assertEndedOnce, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';
import { REPOSITORY } from '../support/run-command.ts';

const OPERATIONS = 12;
const BLOCK = 4;
/** Until the test says otherwise; the operation itself would give up after 300 s. */
const MIGRATION_MS = 600_000;

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

  it('each of them finishes exactly once', async () => {
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
    const before = await operatorPods(stage);
    await replay(stage);
    await upgrade(stage);
    await eventually('every pod of the operator was replaced', async () => {
      const after = await operatorPods(stage);
      return !after.some((pod) => before.includes(pod));
    });
    const stillRunning = await stage.operations('ExecutionStatus = "Running" AND WorkflowType = "offlineMemory"');
    assert.equal(stillRunning.length, OPERATIONS, 'every operation has outlived the rollout');
    await Promise.all(nodes.map((node) => stage.behave(node, { migrationMs: 0 })));
    for (const node of nodes) await assertEndedOnce(stage, { node, blockId: BLOCK, operation: 'offline' });
  });
});

async function operatorPods({ kubectl }: E2eStage): Promise<readonly string[]> {
  const selector = '--selector=app.kubernetes.io/component=operator';
  const names = await kubectl.succeed(['-n', 'memhp-system', 'get', 'pods', selector, '-o', 'name']);
  return names.trim().split('\n');
}

/** As docs/upgrade.md says: a Job of the new image, before anything is replaced. */
async function replay({ kubectl, image, nextImage }: E2eStage): Promise<void> {
  const job = await readFile(path.join(REPOSITORY, 'deploy/jobs/replay.yaml'), 'utf8');
  await kubectl.succeed(['apply', '-f', '-'], job.replaceAll(image, nextImage));
  await kubectl.succeed([
    '-n',
    'memhp-system',
    'wait',
    '--for=condition=Complete',
    '--timeout=50s',
    'job/memhp-replay',
  ]);
}

async function upgrade({ kubectl, nextImage }: E2eStage): Promise<void> {
  const inNamespace = ['-n', 'memhp-system'] as const;
  await kubectl.succeed([...inNamespace, 'set', 'image', 'deployment/memhp-operator', `operator=${nextImage}`]);
  await kubectl.succeed([...inNamespace, 'rollout', 'status', 'deployment/memhp-operator', '--timeout=55s']);
}
