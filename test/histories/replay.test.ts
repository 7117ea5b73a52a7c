import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { RECOVERY_WORKFLOW } from '../../src/contract/dead-operation.ts';
import { DEVICE_WORKFLOW } from '../../src/contract/device-operations.ts';
import { EXPLAIN_WORKFLOW } from '../../src/contract/explain.ts';
import { HOLD_LOCKS_WORKFLOW } from '../../src/contract/hold-locks.ts';
import { OPERATION_WORKFLOW } from '../../src/contract/operations.ts';
import { installTestRuntime } from '../support/test-runtime.ts';
import { SILENT_SINKS } from '../../src/temporal/workers.ts';
import { bundleWorkflows, workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { ENTITIES, SCENARIOS } from './scenarios.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Recorded by a version without the patch that they are named after, on the path that it changed; never recorded again. */
const EARLIER = path.join(import.meta.dirname, 'earlier');

describe('committed histories', function () {
  this.timeout(60_000);
  before(installTestRuntime);

  it('cover every workflow type', async () => {
    const recorded = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.json'));
    const expected = [...SCENARIOS.map(({ name }) => name), ...ENTITIES].map((name) => `${name}.json`);
    assert.deepEqual(recorded.sort(), expected.sort());
    const others = [...Object.values(DEVICE_WORKFLOW), RECOVERY_WORKFLOW, HOLD_LOCKS_WORKFLOW, EXPLAIN_WORKFLOW, ...ENTITIES];
    for (const type of [...Object.values(OPERATION_WORKFLOW), ...others]) {
      assert.ok(recorded.some((file) => file.startsWith(type)), type);
    }
  });

  for (const name of [...SCENARIOS.map((scenario) => scenario.name), ...ENTITIES]) {
    it(`${name} replays against the workflows as they are now`, async () => {
      await replay(name, await workflowBundle());
    });
  }

  it('of the time before a patch replay as well', async () => {
    const patches = await patchesInUse();
    for (const file of await readdir(EARLIER)) {
      const patch = path.basename(file, '.json');
      assert.ok(patches.includes(patch), `${file}: remove it with its patch`);
      await replay(`earlier/${patch}`, await workflowBundle());
    }
  });

  it('a reordered workflow fails the replay', async () => {
    const bundle = await reorderedBundle();
    await assert.rejects(replay('onlineMemory', bundle), DeterminismViolationError);
    // The other workflows were not touched: it is the order that fails, not the way of bundling.
    await replay('offlineMemory', bundle);
  });
});

async function replay(name: string, bundle: WorkflowBundleOption): Promise<void> {
  const history: unknown = JSON.parse(await readFile(path.join(import.meta.dirname, `${name}.json`), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle: bundle, sinks: SILENT_SINKS }, history, name);
}

/** What stands in `patched('…')`. */
async function patchesInUse(): Promise<string[]> {
  const folder = path.join(ROOT, 'workflows');
  const sources = await Promise.all((await readdir(folder)).map((file) => readFile(path.join(folder, file), 'utf8')));
  return sources.flatMap((source) => [...source.matchAll(/patched\('([^']+)'\)/g)].map(([, patch = '']) => patch));
}

/** The workflows with one change: an online asks the plugins before the driver has prepared, instead of after. */
async function reorderedBundle(): Promise<{ code: string }> {
  await mkdir(path.join(ROOT, 'out'), { recursive: true });
  const copy = await mkdtemp(path.join(ROOT, 'out', 'reordered-'));
  try {
    for (const folder of ['workflows', 'src/kernel', 'src/contract']) {
      await cp(path.join(ROOT, folder), path.join(copy, folder), { recursive: true });
    }
    const file = path.join(copy, 'workflows/online-block.ts');
    const source = await readFile(file, 'utf8');
    const reordered = source.replace(
      /( {2}const prepared = .*?\n\n)( {2}const going = .*?\n)/s,
      (_all, prepare: string, going: string) => going + prepare,
    );
    assert.notEqual(reordered, source, 'the order of prepare and MEM_GOING_ONLINE was changed');
    await writeFile(file, reordered);
    return await bundleWorkflows(path.join(copy, 'workflows/bundle.ts'));
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
