/** examples/plugins/webhook, by the commands of its README, each in a shell of its own; kubectl is played. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import getPort from 'get-port';
import { parse } from 'yaml';
import type { MemoryNotify, NotifierReply } from '../../src/contract/notifier.ts';
import type { MemoryNotifier } from '../../src/contract/resources.ts';
import { notifierTransport } from '../../src/controller/notifier-transport.ts';
import { OrphanGuard } from '../../src/dev/orphan-guard.ts';
import { signalProcessGroup } from '../../src/dev/signal-process-group.ts';
import { callWebhook } from '../../src/plugins/webhook/call-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { memoryNotify, registeredNotifier } from '../support/notifier-call.ts';
import { readmeCommands } from '../support/readme-commands.ts';
import { REPOSITORY, runCommand } from '../support/run-command.ts';

const EXAMPLE = path.join(REPOSITORY, 'examples/plugins/webhook');
const OK: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
const RETRY_AFTER_SECONDS = 7;
/** Keeps what is applied; everything else succeeds. */
const KUBECTL = `#!/bin/sh\nif [ "$1" = apply ]; then cat > "$DIR/applied.yaml"; fi\n`;

describe('examples/plugins/webhook', function () {
  this.timeout(20_000);
  let commands: ReadonlyMap<string, string>;
  let directory: string;
  let env: Record<string, string>;
  let server: ChildProcess;
  let log = '';
  const guard = new OrphanGuard();

  const commandsOf = (heading: string): readonly [string, ...string[]] => {
    const text = commands.get(heading);
    assert.ok(text !== undefined, `README.md has commands below "${heading}"`);
    return ['bash', '-euo', 'pipefail', '-c', `${commands.get('') ?? ''}\n${text}`];
  };

  async function run(heading: string): Promise<string> {
    const { status, output } = await runCommand(commandsOf(heading), { env, capture: true });
    assert.equal(status, 0, output);
    return output;
  }

  /** As the operator would, with what was registered. */
  function ask(event: Partial<MemoryNotify> = {}): Promise<NotifierReply> {
    const { spec, metadata } = parse(readFileSync(path.join(directory, 'applied.yaml'), 'utf8')) as MemoryNotifier;
    const notifier = registeredNotifier(
      { name: 'x', config: {} },
      { name: metadata.name, transport: notifierTransport(spec, 'c') },
    );
    return callWebhook(notifier, memoryNotify(event));
  }

  function freeze(content: string): void {
    writeFileSync(path.join(directory, 'freeze.json'), content);
  }

  async function underWay(): Promise<unknown> {
    const ca = readFileSync(path.join(directory, 'tls.crt'));
    const sent = request(`https://localhost:${env['PORT'] ?? ''}/status`, { ca, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
    let text = '';
    for await (const chunk of response) text += chunk.toString();
    return (JSON.parse(text) as { underWay: unknown }).underWay;
  }

  before(async () => {
    commands = readmeCommands(path.join(EXAMPLE, 'README.md'));
    directory = mkdtempSync(path.join(tmpdir(), 'memhp-freeze-'));
    writeFileSync(path.join(directory, 'kubectl'), KUBECTL);
    chmodSync(path.join(directory, 'kubectl'), 0o755);
    env = {
      DIR: directory,
      PORT: String(await getPort()),
      RETRY_AFTER_SECONDS: String(RETRY_AFTER_SECONDS),
      PATH: [directory, path.dirname(process.execPath), process.env['PATH'] ?? ''].join(path.delimiter),
    };
    await run('1. Make a certificate');
    const [shell, ...args] = commandsOf('2. Start it');
    server = spawn(shell, args, {
      cwd: REPOSITORY,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    guard.guard([server.pid ?? 0]);
    server.stdout?.setEncoding('utf8').on('data', (text: string) => (log += text));
    await eventually('the server is ready', () => log.includes('"ready"'), { limitMs: 8_000 });
    await run('5. Register it');
  });
  after(async () => {
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      signalProcessGroup(server.pid ?? 0, 'SIGKILL');
      await exited;
    }
    await guard.dismiss();
    rmSync(directory, { recursive: true, force: true });
  });

  it('answers the request of the README', async () => {
    const output = await run('3. Ask it');
    assert.match(output, /\{"status":"ok"\}/);
    assert.match(output, /"kind":"MemoryNotifyReview","response":\{"uid":"0199-example\/.*","result":"NOTIFY_OK"\}/);
  });

  it('keeps the contract, with the freeze off and on', async () => {
    assert.match(await run('4. Play the chain at it'), /\n\d+ passed, 0 failed, \d not decided\n$/);
    freeze('{"reason": "end of the quarter"}');
    const report = await run('4. Play the chain at it');
    rmSync(path.join(directory, 'freeze.json'));
    assert.match(report, /✓ cancel-after-veto.*✓ veto-reason.*\n\d+ passed, 0 failed, \d not decided\n$/s);
    assert.deepEqual(await underWay(), [], 'it was told the end of all that it was asked');
  });

  it('vetoes while the freeze is on, says when to come back, and lets pass when it is lifted', async () => {
    await run('6. Freeze');
    const vetoed = {
      kind: 'answer',
      answer: {
        result: 'NOTIFY_BAD',
        errno: 'EBUSY',
        reason: 'change freeze: end of the quarter, ask ops@example.com',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
        outlook: 'Deferred',
      },
    };
    assert.deepEqual(await ask(), vetoed);
    assert.deepEqual(await ask(), vetoed, 'the same to a repeat');
    assert.deepEqual(await ask({ dryRun: true }), vetoed);
    assert.deepEqual(await ask({ action: 'MEM_CANCEL_OFFLINE' }), OK, 'a CANCEL of what was never let pass');
    assert.deepEqual(await underWay(), []);
    assert.deepEqual(await ask({ action: 'MEM_GOING_ONLINE' }), { kind: 'answer', answer: { result: 'NOTIFY_DONE' } });
    await run('7. Lift the freeze');
    assert.deepEqual(await ask({ dryRun: true }), OK);
    assert.deepEqual(await underWay(), [], 'a dry run is noted nowhere');
    assert.deepEqual([await ask(), await ask()], [OK, OK]);
    assert.deepEqual(await underWay(), ['memory32 of worker-1']);
    assert.deepEqual(await ask({ action: 'MEM_CANCEL_OFFLINE', runId: 'run-0' }), OK, 'a CANCEL of another run');
    assert.deepEqual(await underWay(), ['memory32 of worker-1']);
    assert.deepEqual(await ask({ action: 'MEM_OFFLINE' }), OK);
    assert.deepEqual(await underWay(), []);
  });

  for (const [what, content, reason] of [
    ['is over', '{"until": "2020-01-01T00:00:00Z"}', undefined],
    ['is empty', '', 'change freeze: no reason given'],
    ['has a mistake', '{"reason": "x', /^change freeze: .*freeze\.json is not JSON$/],
    ['ends at no time', '{"until": "soon"}', /freeze\.json has an "until" that is no time$/],
    ['ends', '{"until": "2999-01-01T00:00:00Z"}', 'change freeze until 2999-01-01T00:00:00.000Z: no reason given'],
  ] as const) {
    it(`takes a freeze that ${what} for what it is`, async () => {
      freeze(content);
      const reply = await ask({ dryRun: true });
      rmSync(path.join(directory, 'freeze.json'));
      assert.ok(reply.kind === 'answer');
      assert.equal(reply.answer.result, reason === undefined ? 'NOTIFY_OK' : 'NOTIFY_BAD');
      if (typeof reason === 'object') assert.match(reply.answer.reason ?? '', reason);
      else assert.equal(reply.answer.reason, reason);
    });
  }

  it('refuses what is no review, and says what it is for', async () => {
    writeFileSync(path.join(directory, 'request'), '{"kind": "AdmissionReview"}');
    const curl = `curl --silent --cacert "$DIR/tls.crt" "https://localhost:$PORT/notify" --data @"$DIR/request"`;
    const { output } = await runCommand(['bash', '-c', curl], { env, capture: true });
    assert.match(output, /this server answers MemoryNotifyReview of notifier\.memoryhotplug\.io\/v1/);
  });

  it('logs a line for each call', async () => {
    const lines = log.trimEnd().split('\n').length;
    await ask();
    await eventually('the line is there', () => log.trimEnd().split('\n').length > lines);
    const { message, node, blockId, result } = JSON.parse(log.trimEnd().split('\n').at(-1) ?? '') as Record<
      string,
      unknown
    >;
    assert.deepEqual([message, node, blockId, result], ['asked', 'worker-1', 32, 'NOTIFY_OK']);
  });

  it('takes a new certificate without a restart', async () => {
    await run('1. Make a certificate');
    await run('5. Register it');
    await eventually('asked with the new one', async () => (await ask()).kind === 'answer', { everyMs: 200 });
  });

  it('ends by Ctrl-C', async () => {
    const exited = once(server, 'exit');
    signalProcessGroup(server.pid ?? 0, 'SIGINT');
    const [status] = (await exited) as [number | null];
    assert.equal(status, 0, log);
    const reply = await ask();
    assert.ok(reply.kind === 'error' && reply.message.includes('refused the connection'));
  });

  it('cleans up', async () => {
    await run('8. Clean up');
    assert.throws(() => readFileSync(path.join(directory, 'tls.key')), { code: 'ENOENT' });
  });
});
