/** examples/plugins/in-process, by the commands of its README: the only operator is the one that they start. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { ReadmeShell, type Terminal } from '../support/readme-shell.ts';
import { REPOSITORY } from '../support/run-command.ts';

const EXAMPLE = path.join(REPOSITORY, 'examples/plugins/in-process');
const BLOCK = 'protected-1-memory4';

describe('examples/plugins/in-process', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let directory: string;
  let readme: ReadmeShell;
  let operator: Terminal | undefined;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-in-process-'));
    stage = await openOperatorStage({ private: true, operators: 0 });
    const { env, tools } = stage.environment;
    readme = new ReadmeShell(path.join(EXAMPLE, 'README.md'), {
      ...env,
      PATH: [path.dirname(process.execPath), path.dirname(tools.kubectl), process.env['PATH'] ?? ''].join(
        path.delimiter,
      ),
      KUBECACHEDIR: path.join(directory, 'kubectl'),
      APP: path.join(directory, 'app'),
    });
  });
  after(async () => {
    await operator?.close();
    await stage.close();
    await rm(path.join(EXAMPLE, 'node_modules'), { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });

  it('passes its own tests with the built operator', async () => {
    assert.match(await readme.run('1. Test it'), /^\S* ?fail 0$/m);
  });

  it('installs as a package beside the operator', async () => {
    await readme.run('2. Install both');
    const installed = path.join(directory, 'app/node_modules/memhp-protected-pods');
    assert.equal(await realpath(installed), installed, 'a copy, as from the registry, and no link');
    assert.equal(existsSync(path.join(installed, 'protected-pods.test.js')), false, 'only what is published');
  });

  it('keeps the contract', async () => {
    assert.match(await readme.run('3. Play the chain at it'), /\n\d+ passed, 0 failed, \d not decided\n$/);
  });

  it('is loaded by an operator that is started with it, and registered', async () => {
    const started = await readme.start('4. Start the operator with it');
    operator = started;
    await eventually('the operator watches', () => {
      assert.ok(started.isRunning, started.output);
      return started.output.includes('watching');
    });
    await readme.run('5. Register it');
  });

  it('vetoes the offline of a block of a node with a protected pod', async () => {
    const shown = await readme.run('6. A protected pod runs');
    const message =
      'vetoed by protected-pods at MEM_GOING_OFFLINE (EBUSY): default/orders-db-0 on protected-1: protected';
    assert.ok(shown.includes(message), shown);
    assert.equal((await stage.blockStatus(BLOCK)).state, 'online');
  });

  it('lets it go when the pod is gone', async () => {
    await readme.run('7. It runs elsewhere');
    const { notifiers } = await stage.untilReason(BLOCK, 'Settled');
    assert.deepEqual(
      notifiers?.map(({ name, action, result, reason }) => [name, action, result, reason]),
      [['protected-pods', 'MEM_GOING_OFFLINE', 'NOTIFY_OK', 'no protected pod runs on protected-1']],
    );
  });

  it('ends by Ctrl-C', async () => {
    await operator?.interrupt();
    assert.match(operator?.output ?? '', /"stopped".*\n$/);
  });

  it('cleans up', async () => {
    await readme.run('8. Clean up');
    assert.equal(existsSync(path.join(directory, 'app')), false);
    assert.equal(await stage.block(BLOCK), undefined);
  });
});
