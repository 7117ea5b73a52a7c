/** examples/plugins/python-task-queue, by the commands of its README, in front of a real operator. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { databaseGuardEnvironment } from '../support/database-guard.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { openTerminal, ReadmeShell, type Terminal } from '../support/readme-shell.ts';
import { REPOSITORY } from '../support/run-command.ts';

const EXAMPLE = path.join(REPOSITORY, 'examples/plugins/python-task-queue');
const README = path.join(EXAMPLE, 'README.md');
const BLOCK = 'database-1-memory4';

const python = await databaseGuardEnvironment();
const environment = python.ready ? python.directory : '';
const suite = python.ready ? describe : describe.skip;

suite(`examples/plugins/python-task-queue${python.ready ? '' : `: ${python.missing}`}`, function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let directory: string;
  let readme: ReadmeShell;
  let worker: Terminal;

  before(async () => {
    stage = await openOperatorStage();
    const { env, tools } = stage.environment;
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-python-'));
    readme = new ReadmeShell(README, {
      ...env,
      PATH: [path.dirname(process.execPath), path.dirname(tools.kubectl), process.env['PATH'] ?? ''].join(
        path.delimiter,
      ),
      KUBECACHEDIR: path.join(directory, 'kubectl'),
      VENV: environment,
      DIR: path.join(directory, 'state'),
      RETRY_AFTER_SECONDS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    });
    worker = await readme.start('3. Start it');
    await eventually('the worker polls', () => {
      assert.ok(worker.isRunning, worker.output);
      return worker.output.includes('polling task queue database-guard');
    });
  });
  after(async () => {
    await worker.close();
    await stage.deleteNode('database-1');
    await rm(directory, { recursive: true, force: true });
  });

  const hold = (): string => path.join(directory, 'state/holds', `${BLOCK}.json`);

  it('passes its own tests', async () => {
    assert.match(await readme.run('2. Test it'), /Ran \d+ tests.*\n\nOK/s);
  });

  it('vetoes the offline of a block in which a database has pinned pages', async () => {
    await readme.run('4. Register it');
    const shown = await readme.run('5. A database has pinned pages');
    const message = 'vetoed by database-guard at MEM_GOING_OFFLINE (EBUSY): orders-db has pinned pages in';
    assert.ok(shown.includes(`${message} ${BLOCK}`), shown);
    assert.equal((await stage.blockStatus(BLOCK)).state, 'online');
  });

  it('logs a line for each call, as the README shows them', async () => {
    const lines = (await readFile(README, 'utf8')).match(/^INFO MEM_\w+ .*/gm) ?? [];
    assert.equal(lines.length, 2);
    for (const line of lines) {
      const [start = '', end = ''] = line.split(/0199f0…|\(\d/);
      await eventually(`a line as ${line}`, () => worker.output.includes(start) && worker.output.includes(end));
    }
    assert.equal(existsSync(hold()), false, 'a veto holds nothing');
  });

  it('lets it go when the database has let go, and is told that it is over', async () => {
    await readme.run('6. It lets go of them');
    const status = await stage.untilReason(BLOCK, 'Settled');
    assert.deepEqual(
      status.notifiers?.map(({ name, action, result, reason }) => [name, action, result, reason]),
      [
        ['database-guard', 'MEM_GOING_OFFLINE', 'NOTIFY_OK', `no database has pinned pages in ${BLOCK}`],
        ['database-guard', 'MEM_OFFLINE', 'NOTIFY_OK', `databases may pin pages in ${BLOCK} again`],
      ],
    );
    assert.equal(existsSync(hold()), false, 'nothing is held any more');
  });

  it('ends by Ctrl-C', async () => {
    assert.equal(await worker.interrupt(), 0, worker.output);
    assert.match(worker.output, /stopping: no new calls.*stopped\n$/s);
  });

  it('cleans up', async () => {
    await readme.run('8. Clean up');
    assert.equal(existsSync(path.join(directory, 'state')), false);
    assert.equal(await stage.block(BLOCK), undefined);
  });

  it('docs/plugins-task-queue.md shows a plugin and a registration that fit each other', async () => {
    const page = await readFile(path.join(REPOSITORY, 'docs/plugins-task-queue.md'), 'utf8');
    const [source = '', manifest = ''] = ['python', 'yaml'].map(
      (language) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)?.[1],
    );
    const script = path.join(directory, 'change_freeze.py');
    await writeFile(script, source);
    const freeze = await openTerminal([path.join(environment, 'bin/python'), script], stage.environment.env);
    try {
      await stage.createNode('database-1');
      await stage.kubectl.succeed(['apply', '-f', '-'], manifest);
      await stage.applyBlock({ nodeName: 'database-1', blockId: 5, state: 'offline' });
      const { lastOperation } = await stage.untilReason('database-1-memory5', 'Vetoed');
      const vetoed = 'vetoed by change-freeze at MEM_GOING_OFFLINE (EBUSY)';
      assert.equal(lastOperation?.message, `${vetoed}: change freeze: database-1 stays as it is`, freeze.output);
    } finally {
      await freeze.close();
      await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot/change-freeze']);
    }
  });
});
