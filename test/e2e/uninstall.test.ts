/** As docs/install.md says: everything of ours goes, and memory stays as it is. Last of all: nothing is left to test then. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { FINALIZER } from '../../src/contract/names.ts';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';
import { readmeCommands } from '../support/readme-commands.ts';
import { REPOSITORY, runCommand } from '../support/run-command.ts';

const SIMULATED = 'sim-uninstalled';
/** As the page calls the reader's overlay. */
const PRODUCTION = 'deploy/overlays/production';

describe('uninstalling', function () {
  this.timeout(120_000);
  let stage: E2eStage;

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
    await stage.createNode(SIMULATED);
    const blocks = [
      { nodeName: SIMULATED, blockId: 8, state: 'online_movable', deletionPolicy: 'Remove' },
      { nodeName: stage.nodeName, blockId: 9, state: 'online', deletionPolicy: 'Retain' },
    ] as const;
    for (const block of blocks) await stage.waitReady(await stage.applyBlock(block));
  });

  it('changes no memory', async () => {
    const memory = async () => ({
      simulated: (await stage.nodeState(SIMULATED)).blocks,
      effects: await stage.effects(SIMULATED),
      tree: await stage.tree(),
    });
    const before = await memory();
    await runCommandsOf('Uninstalling', stage);
    await assertNothingLeft(stage);
    assert.deepEqual(await memory(), before);
  });

  it('can be finished where the operator went first', async () => {
    const crds = path.join(REPOSITORY, 'crds');
    await stage.kubectl.succeed(['apply', '-k', crds]);
    const held = { nodeName: SIMULATED, blockId: 8, deletionPolicy: 'Remove' } as const;
    const block = await eventually('the kind is served', () => stage.applyBlock(held));
    const finalizers = JSON.stringify({ metadata: { finalizers: [FINALIZER] } });
    await stage.kubectl.succeed(['patch', 'mb', block, '--type=merge', '-p', finalizers]);
    await stage.kubectl.succeed(['delete', '-k', crds, '--wait=false']);
    await runCommandsOf('Uninstalled in the wrong order', stage);
    await assertNothingLeft(stage);
  });
});

async function assertNothingLeft({ kubectl }: E2eStage): Promise<void> {
  const left = await kubectl.succeed(['get', 'crds,clusterroles,namespaces', '-o', 'name']);
  assert.doesNotMatch(left, /memoryhotplug|memhp-(?!e2e)/);
}

/** What stands below a heading of docs/install.md, with the overlay that was installed here. */
async function runCommandsOf(heading: string, { overlay, kubeconfig }: E2eStage): Promise<void> {
  const commands = readmeCommands(path.join(REPOSITORY, 'docs/install.md')).get(heading) ?? '';
  assert.ok(commands.includes(PRODUCTION), `the commands below "${heading}" name ${PRODUCTION}`);
  const script = commands.replaceAll(PRODUCTION, overlay);
  const kubectl = path.dirname(await acquireTool('kubectl'));
  const env = { KUBECONFIG: kubeconfig, PATH: [kubectl, process.env['PATH']].join(path.delimiter) };
  const { status, output } = await runCommand(['bash', '-euo', 'pipefail', '-c', script], { env, capture: true });
  assert.equal(status, 0, output);
}
