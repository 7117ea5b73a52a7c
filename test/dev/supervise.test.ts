import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describeExit, supervise, type ExitReport, type ProcessGroup } from '../../src/dev/supervise.ts';
import { eventually } from '../support/eventually.ts';

/** Until init has collected a dead orphan, which some take a second for. */
const REAPED_TIMEOUT_MS = 10_000;

/** Of a process, or, by the negative pid of its leader, of anything in its process group. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('supervise', () => {
  let logDirectory: string;
  let group: ProcessGroup;
  let unexpected: ExitReport[];

  beforeEach(() => {
    logDirectory = mkdtempSync(path.join(tmpdir(), 'memhp-supervise-'));
    unexpected = [];
    const onUnexpectedExit = (report: ExitReport): unknown => unexpected.push(report);
    group = supervise({ logDirectory, stopTimeoutMs: 200, onUnexpectedExit });
  });

  afterEach(async () => {
    await group.stopAll();
    rmSync(logDirectory, { recursive: true });
  });

  const shell = (name: string, script: string) => group.start({ name, command: 'sh', args: ['-c', script] });

  it('reports a child that dies, with its status and the end of its log', async () => {
    const child = await shell('doomed', 'echo first; echo cannot bind >&2; exit 3');
    const report = await child.exited;
    assert.deepEqual(unexpected, [report]);
    assert.match(describeExit(report), /^doomed ended with status 3\..*\nfirst\ncannot bind$/s);
  });

  it('does not call a death unexpected that it was asked for', async () => {
    const stopped = await shell('stopped', 'sleep 60');
    const killed = await shell('killed', 'sleep 60');
    assert.equal((await stopped.stop()).unexpected, false);
    assert.equal((await killed.kill()).signal, 'SIGKILL');
    assert.deepEqual(unexpected, []);
  });

  it('leaves no process after stopAll, neither a deaf one nor the children of one', async function () {
    this.timeout(REAPED_TIMEOUT_MS);
    const plain = await shell('plain', 'sleep 60');
    const deaf = await shell('deaf', "trap '' TERM; while :; do sleep 0.05; done");
    const parent = await shell('parent', "(trap '' TERM; while :; do sleep 0.05; done) & wait");
    await group.stopAll();
    for (const { pid, name } of [plain, deaf, parent]) {
      await eventually(`${name} and its children are gone`, () => !isAlive(-pid));
    }
  });

  it('starts nothing more once it is being stopped, not even what is under way', async () => {
    const underWay = shell('under-way', 'sleep 60');
    const stopping = group.stopAll();
    await assert.rejects(underWay, /under-way is not started/);
    await stopping;
    await assert.rejects(shell('late', 'sleep 60'), /late is not started/);
  });

  it('stops the last started first', async () => {
    const order: string[] = [];
    for (const name of ['first', 'second']) {
      const child = await shell(name, 'sleep 60');
      void child.exited.then(() => order.push(name));
    }
    await group.stopAll();
    assert.deepEqual(order, ['second', 'first']);
  });

  it('refuses a command that does not exist, by name', async () => {
    await assert.rejects(group.start({ name: 'ghost', command: '/no/such/file', args: [] }), /ghost cannot be started/);
  });

  it('lets no child outlive a parent that was killed', async function () {
    this.timeout(REAPED_TIMEOUT_MS);
    const module = path.resolve(import.meta.dirname, '../../src/dev/supervise.ts');
    const program = `
      import { supervise } from ${JSON.stringify(module)};
      const group = supervise({ logDirectory: ${JSON.stringify(logDirectory)} });
      const child = await group.start({ name: 'orphan', command: 'sleep', args: ['60'] });
      console.log(child.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    assert.equal(isAlive(Number(line)), true);
    parent.kill('SIGKILL');
    await eventually('the orphan is gone', () => !isAlive(Number(line)));
  });
});
