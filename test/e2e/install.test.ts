/**
 * The commands of the README's section "Install in a cluster", as they stand there. What it says of the image in words (kind
 * load, or a registry) has been done already: the cluster has it.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { openE2eCluster } from '../support/e2e-stage.ts';
import { ReadmeShell } from '../support/readme-shell.ts';

describe('installing as the README says', function () {
  this.timeout(300_000);

  it('ends with a block that is online', async () => {
    const { kubeconfig } = await openE2eCluster();
    const kubectl = path.dirname(await acquireTool('kubectl'));
    const shell = new ReadmeShell('README.md', {
      KUBECONFIG: kubeconfig,
      PATH: [kubectl, process.env['PATH']].join(path.delimiter),
    });
    const output = await shell.run('Install in a cluster');
    assert.match(output, /sim-1-memory32 .* online +Movable +True +Settled/);
  });
});
