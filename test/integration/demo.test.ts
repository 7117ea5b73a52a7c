import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { startDemo, type DemoProcess } from '../support/demo-process.ts';
import { REPOSITORY } from '../support/run-command.ts';

/** Of a warm start, on two cores. */
const FIRST_BLOCK_LIMIT_S = 20;
const INTERRUPTED = 130;

describe('npm run demo', function () {
  this.timeout(120_000);
  let parent: string;
  let demos: DemoProcess[];

  beforeEach(() => {
    parent = mkdtempSync(path.join(tmpdir(), 'memhp-demo-test-'));
    demos = [];
  });

  afterEach(async () => {
    for (const demo of demos) demo.interrupt();
    for (const demo of demos) await demo.exited;
    rmSync(parent, { recursive: true });
  });

  function demo(name: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): DemoProcess {
    const started = startDemo(['--directory', path.join(parent, name), ...args], env);
    demos.push(started);
    return started;
  }

  async function endsWith(process: DemoProcess, status: number): Promise<void> {
    assert.equal(await process.exited, status, process.output());
    assert.deepEqual(process.remains(), []);
  }

  it('tells its story, also beside another one, and what it suggests then works', async () => {
    const story = demo('story', ['--exit']);
    const [, seconds] = await story.printed(/first block online ([\d.]+) s after/);
    assert.ok(Number(seconds) < FIRST_BLOCK_LIMIT_S, `first block online after ${String(seconds)} s`);

    const staying = demo('staying');
    await endsWith(story, 0);
    assert.deepEqual(readdirSync(parent), ['staying']);
    assert.doesNotMatch(story.output(), /\p{Cc}\[\d/u, 'colours, although nobody looks at a terminal');

    await staying.printed(/until you press Ctrl-C/);
    assert.ok(staying.remains().length >= 6, 'three servers, two operators and an agent are found by their mark');
    const [, invitation = ''] = staying.output().split('Look around');
    const exports = [...invitation.matchAll(/^ {2}(export .*)$/gm)].map(([, command]) => command);
    const commands = [...invitation.matchAll(/^ {2}\$ (.*)$/gm)].map(([, command]) => command);
    assert.equal(commands.length, 8);
    const script = ['set -e', ...exports, ...commands].join('\n');
    await promisify(execFile)('sh', ['-c', script], { cwd: REPOSITORY });
    for (const [url] of invitation.matchAll(/http:\S+/g)) assert.ok((await fetch(url)).ok, url);

    staying.interrupt();
    await endsWith(staying, 0);
    assert.deepEqual(readdirSync(parent), []);
  });

  for (const moment of ['all executables are there', '2/7']) {
    it(`leaves nothing when it is interrupted at: ${moment}`, async () => {
      const interrupted = demo('interrupted');
      await interrupted.printed(new RegExp(moment));
      interrupted.interrupt();
      await endsWith(interrupted, INTERRUPTED);
      assert.deepEqual(readdirSync(parent), []);
    });
  }

  it('reports a step that does not do what it says, with what to do next', async () => {
    const brokenKubectl = path.join(parent, 'broken-kubectl');
    const breakage = 'case "$*" in "get nmem"*) echo "no route to the server" >&2; exit 1;; esac';
    writeFileSync(brokenKubectl, `#!/bin/sh\n${breakage}\nexec ${await acquireTool('kubectl')} "$@"\n`);
    chmodSync(brokenKubectl, 0o755);
    const failing = demo('failing', ['--exit'], { MEMHP_KUBECTL: brokenKubectl });
    await endsWith(failing, 1);
    assert.match(failing.output(), /expected: worker-1 is Ready/);
    assert.match(failing.output(), /seen: .*status 1 and printed:\s+no route to the server/);
    assert.match(failing.output(), /next: .*\S/);
    const [, logs = ''] = /logs: +(\S+)/.exec(failing.output()) ?? [];
    assert.ok(existsSync(path.join(logs, 'operator-1.log')), logs);
  });

  it('reports a server that dies during the story, with the end of its log', async () => {
    const failing = demo('failing', ['--exit']);
    const [, pid] = await failing.printed(/operator-1 +pid (\d+)/);
    await failing.printed(/2\/7/);
    process.kill(Number(pid), 'SIGKILL');
    await endsWith(failing, 1);
    assert.match(
      failing.output(),
      /expected: operator-1 to run\s+seen: +operator-1 was ended by SIGKILL. End of its log/,
    );
  });

  it('refuses a directory that holds something', async () => {
    writeFileSync(path.join(parent, 'file'), '');
    const refused = startDemo(['--directory', parent]);
    assert.equal(await refused.exited, 1);
    assert.match(refused.output(), /is not empty; name a directory that is/);
  });
});
