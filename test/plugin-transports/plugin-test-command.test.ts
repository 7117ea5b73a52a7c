/** `memhp plugin test` as its users run it, at a plugin of each transport. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from '@temporalio/worker';
import { ok } from '../../src/plugins/define-plugin.ts';
import { hangsOnRepeat } from '../plugins/conformance/bad/hangs-on-repeat.ts';
import { freesOthers } from '../plugins/conformance/bad/frees-others.ts';
import { serveReviews, type ReviewServer } from '../plugins/conformance/review-server.ts';
import { eventually } from '../support/eventually.ts';
import { REPOSITORY, runCommand, type CommandResult } from '../support/run-command.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

/** Every action costs a second or so on a task queue. */
const OFFLINE = ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE'];
const QUEUE = 'plugins/of a team';

interface Report {
  readonly failed: number;
  readonly checks: readonly { readonly name: string; readonly result: string; readonly seen?: string }[];
}

describe('memhp plugin test', function () {
  this.timeout(60_000);
  let address: string;
  let worker: Worker;
  let serving: Promise<void>;
  const over = new AbortController();
  let directory: string;
  let server: ReviewServer;
  let caFile: string;

  before(async () => {
    const { native: connection, namespace, address: at } = await sharedTemporal();
    address = at;
    const activities = { onMemory: () => Promise.resolve(ok()), hangsOnRepeat: hangsOnRepeat(over.signal) };
    worker = await Worker.create({ connection, namespace, taskQueue: QUEUE, activities });
    serving = worker.run();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-plugin-test-'));
    server = await serveReviews(freesOthers());
    caFile = path.join(directory, 'ca.pem');
    await writeFile(caFile, server.caBundle);
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
    over.abort();
    worker.shutdown();
    await serving;
  });

  function memhp(...args: readonly string[]): Promise<CommandResult> {
    const env = { TEMPORAL_ADDRESS: address, KUBECONFIG: '/nonexistent' };
    return runCommand(['node', 'bin/memhp.mjs', 'plugin', 'test', ...args], { env, capture: true });
  }

  function failuresIn(report: string): readonly string[] {
    return (JSON.parse(report) as Report).checks.filter(({ result }) => result === 'failed').map(({ name }) => name);
  }

  it('exits 0 after an activity on a task queue that keeps the contract, with a line per check', async () => {
    const { status, output } = await memhp(`taskqueue:${QUEUE}/onMemory`, '--actions', ...OFFLINE);
    assert.equal(status, 0, output);
    assert.match(output, /^✓ every-action: .*\n(?:[✓–] [\w-]+: .*\n)+\n\d+ passed, 0 failed, 3 not decided\n$/);
  });

  it('exits 1 after hangs-on-repeat, which fails the three checks that repeat a call, and nothing else', async () => {
    const target = `taskqueue:${QUEUE}/hangsOnRepeat`;
    const { status, output } = await memhp(target, '--timeout', '0.7', '--json', '--actions', ...OFFLINE);
    assert.deepEqual(failuresIn(output), ['cancel-twice', 'repeat', 'repeat-at-once'], output);
    assert.equal(status, 1);
  });

  it('exits 1 after a webhook that fails, and names what was seen, the rule, and where it stands', async () => {
    const { status, output } = await memhp(server.url, '--ca-file', caFile, '--actions', ...OFFLINE);
    assert.match(
      output,
      /✗ cancel-of-another-run\n {4}seen {6}.+\n {4}contract {2}.+runId.+\n {4}see {7}docs\/plugins\.md#/,
    );
    assert.match(output, /\n\d+ passed, 2 failed, \d+ not decided\n$/);
    assert.equal(status, 1);
  });

  it('takes the configuration of an in-process plugin from a file', async () => {
    const file = path.join(directory, 'config.yaml');
    await writeFile(file, 'max: 2\n');
    const plugin = './test/plugins/conformance/bad/counts-dry-runs.ts';
    const { status, output } = await memhp(plugin, '--config', `@${file}`, '--json');
    assert.deepEqual(failuresIn(output), ['dry-run-leaves-no-trace'], output);
    assert.equal(status, 1);
  });

  const NOT_ASKED: readonly (readonly [readonly string[], RegExp])[] = [
    [['taskqueue:nobody/onMemory'], /no worker takes activities from task queue nobody .* start the plugin/],
    [['taskqueue:nobody'], /taskqueue:<queue>\/<activity>/],
    [['http://localhost/notify'], /only https:\/\//],
    [['https://127.0.0.1:1/notify'], /127\.0\.0\.1:1 cannot be asked .*; start the server/],
    [['./not-there.ts'], /check the path/],
    [['capacity-guard', '--config', '[]'], /--config is not an object/],
    [['capacity-guard', '--config', '{"reserve": 1}'], /config\/reserve must be string/],
  ];
  for (const [args, said] of NOT_ASKED) {
    it(`exits 2 and says what to do: ${args.join(' ')}`, async () => {
      const { status, output } = await memhp(...args);
      assert.match(output, said);
      assert.equal(status, 2, output);
    });
  }

  it('finishes the check that is being played when it is interrupted, and tells the plugin the end', async () => {
    const open = new Set<string>();
    let asked = 0;
    const slow = await serveReviews(async ({ action, runId }) => {
      asked++;
      if (action.includes('GOING')) open.add(runId);
      else open.delete(runId);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return ok();
    });
    const file = path.join(directory, 'slow.pem');
    await writeFile(file, slow.caBundle);
    const command = ['src/cli/memhp.ts', 'plugin', 'test', slow.url, '--ca-file', file];
    const child = spawn(process.execPath, command, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const exited = once(child, 'exit');
    await eventually('it asks', () => asked > 1);
    child.kill('SIGINT');
    const [status] = (await exited) as [number];
    await slow.close();
    assert.equal(status, 130);
    assert.match(output, /^✓ every-action.*\n\n1 passed, 0 failed, 0 not decided, \d+ not played: interrupted\n$/);
    assert.deepEqual([...open], []);
  });
});
