/** As docs/install.md says: everything of ours goes, and memory stays as it is. Last of all: nothing is left to test then. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { OVERLAY, openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { REPOSITORY } from '../support/run-command.ts';

const SIMULATED = 'sim-uninstalled';

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
    await stage.kubectl.succeed(['delete', '-k', path.join(REPOSITORY, 'crds'), '--timeout=55s']);
    await stage.kubectl.succeed(['delete', '-k', OVERLAY, '--timeout=55s', '--ignore-not-found']);
    const left = await stage.kubectl.succeed(['get', 'crds,clusterroles,namespaces', '-o', 'name']);
    assert.doesNotMatch(left, /memoryhotplug|memhp-(?!e2e)/);
    assert.deepEqual(await memory(), before);
  });
});
