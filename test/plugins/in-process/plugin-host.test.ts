import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { MemoryNotify, NotifierReply } from '../../../src/contract/notifier.ts';
import type { ClusterReader } from '../../../src/plugins/cluster-reader.ts';
import type { PluginLog } from '../../../src/plugins/define-plugin.ts';
import { createPluginHost, type PluginHost } from '../../../src/plugins/in-process/plugin-host.ts';
import { loadPlugins, type PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;
/** Long enough for a thread to start on a busy machine. */
const TIMEOUT_MS = 5_000;
/** For calls that are meant to time out; a thread start has to fit. */
const SHORT_MS = 800;

describe('in-process plugin host', function () {
  this.timeout(30_000);
  let registry: PluginRegistry;
  let host: PluginHost;
  let lines: { message: string; fields: unknown }[];

  before(async () => {
    registry = await loadPlugins({ specifiers: ['./misbehaving.ts', './well-behaved.ts'], directory: FIXTURES });
  });

  beforeEach(() => {
    lines = [];
    host = createPluginHost({ registry, cluster: clusterOf(3), log: logInto(lines) });
  });

  afterEach(() => host.close());

  function ask(
    name: string,
    config: Readonly<Record<string, unknown>>,
    event: Partial<MemoryNotify> = {},
    timeoutMs = TIMEOUT_MS,
  ): Promise<NotifierReply> {
    return host.call(registeredNotifier({ name, config }, { timeoutMs }), memoryNotify(event));
  }

  async function threadOf(name = 'well-behaved'): Promise<string> {
    return reasonOf(await ask(name, {}));
  }

  it('keeps a thread warm from call to call', async () => {
    assert.equal(await threadOf(), await threadOf());
  });

  it('gives plugins the cluster through the main thread, absent objects included', async () => {
    assert.equal(reasonOf(await ask('well-behaved', { read: true })), '["worker-1",3,1024]');
    assert.equal(reasonOf(await ask('well-behaved', { read: true }, { node: 'gone' })), '[null,3,null]');
  });

  it('makes a failed read the answer of the plugin that asked', async () => {
    const down = () => Promise.reject(new Error('API server unreachable'));
    host = createPluginHost({ registry, cluster: { ...clusterOf(0), node: down }, log: logInto(lines) });
    assert.match(errorOf(await ask('well-behaved', { read: true })), /well-behaved failed: .*API server unreachable/);
  });

  it("logs a plugin's lines under its own name and with what it is asked about, a bounded number for each call", async () => {
    await ask('well-behaved', { lines: 1_000 });
    assert.equal(lines.length, 100);
    const { action, tokens, workflowId, runId, node } = memoryNotify({});
    const about = { notifier: 'here', action, tokens, workflowId, runId, node, block: `${node}-memory32` };
    assert.deepEqual(lines[7], {
      message: 'line',
      fields: { plugin: 'well-behaved', ...about, fields: { line: 7, plugin: 'someone-else' } },
    });
  });

  it('aborts the signal early enough for an answer in time', async () => {
    assert.match(reasonOf(await ask('well-behaved', { until: 'signal' }, {}, 2_000)), /^thread/);
  });

  for (const [does, what] of [
    ['exit', /misbehaving exited with code 3/],
    ['throw', /misbehaving failed: thrown on purpose/],
    ['throw-text', /misbehaving failed: only text/],
    ['unhandled-rejection', /misbehaving crashed: nobody listens/],
    ['throw-later', /misbehaving crashed: thrown from a timer/],
    ['fill-memory', /misbehaving crashed: .*memory/],
    ['no-answer', /misbehaving answered nonsense: null/],
    ['wrong-result', /answered nonsense: .*MAYBE/],
    ['errno-without-bad', /answered nonsense: .*errno.*EBUSY/],
    ['extra-word', /answered nonsense: .*veto/],
    ['a-function', /answered nonsense: null/],
    ['a-cycle', /misbehaving failed: .*circular/],
    ['too-long', /misbehaving failed: the answer has \d+ characters/],
    ['forge-answers', /misbehaving answered nonsense: "no JSON"/],
    ['ask-too-much', /misbehaving asked for more than 300 things at once/],
    ['forge', /misbehaving sent a message that no plugin thread sends/],
  ] as const) {
    it(`answers with an error that names the plugin when it does: ${does}; then goes on`, async () => {
      const neighbour = await threadOf();
      const reply = await ask('misbehaving', { does });
      assert.match(errorOf(reply), what);
      assert.ok(reply.kind === 'error' && !reply.timedOut);
      assert.equal(reasonOf(await ask('misbehaving', { does: 'nothing' })), 'behaved');
      assert.equal(await threadOf(), neighbour, 'the other plugin kept its thread');
    });
  }

  for (const does of ['loop', 'silence'] as const) {
    it(`ends the thread at the deadline when the plugin does: ${does}; and starts a new one for the next call`, async () => {
      const neighbour = await threadOf();
      const [reply, meanwhile] = await Promise.all([ask('misbehaving', { does }, {}, SHORT_MS), threadOf()]);
      assert.deepEqual(reply, { kind: 'error', message: 'plugin misbehaving timed out after 0.8 s', timedOut: true });
      assert.equal(meanwhile, neighbour);
      assert.equal(reasonOf(await ask('misbehaving', { does: 'nothing' })), 'behaved');
    });
  }

  it('asks innocent calls once more when another call made the thread end', async () => {
    const [guilty, ...innocent] = await Promise.all([
      ask('misbehaving', { does: 'silence' }, { node: 'worker-1' }, SHORT_MS),
      ask('misbehaving', { does: 'nothing', afterMs: SHORT_MS + 200 }, { node: 'worker-2' }),
      ask('misbehaving', { does: 'nothing', afterMs: SHORT_MS + 200 }, { node: 'worker-3' }),
    ]);
    assert.match(errorOf(guilty), /timed out/);
    assert.deepEqual(innocent.map(reasonOf), ['behaved', 'behaved']);
  });

  it('gives up on a call whose second thread ends as well', async () => {
    const replies = await Promise.all([
      ask('misbehaving', { does: 'exit' }, { node: 'worker-1' }),
      ask('misbehaving', { does: 'exit' }, { node: 'worker-2' }),
    ]);
    for (const reply of replies) assert.match(errorOf(reply), /exited with code 3/);
  });

  it('answers many calls at once, each with its own answer', async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        ask('misbehaving', { does: at % 2 ? 'throw' : 'nothing', afterMs: 40 - at }),
      ),
    );
    assert.deepEqual(
      replies.map(({ kind }) => kind),
      replies.map((_, at) => (at % 2 ? 'error' : 'answer')),
    );
  });

  it('takes a veto for one whatever its errno', async () => {
    const reply = await ask('misbehaving', { does: 'wrong-errno' });
    assert.match(reasonOf(reply), /of this veto was not understood: \{"errno":"EWHATEVER"\}/);
    assert.ok(reply.kind === 'answer' && reply.answer.result === 'NOTIFY_BAD');
  });

  it('goes on after calls that cannot be passed to the thread, however many', async () => {
    const cannotPass = { tokens: { device_hotplug_lock: (() => 1) as unknown as number } };
    for (let calls = 0; calls < 101; calls++) {
      const reply = await ask('misbehaving', { does: 'nothing' }, cannotPass);
      assert.match(
        errorOf(reply),
        /misbehaving failed: the question cannot be passed to its thread: .* could not be cloned/,
      );
    }
    assert.equal(reasonOf(await ask('misbehaving', { does: 'nothing' })), 'behaved');
  });

  it('ignores answers to calls that it did not make', async () => {
    assert.equal(reasonOf(await ask('misbehaving', { does: 'answer-for-others' })), 'behaved');
  });

  it('cuts a long reason to what an event can hold', async () => {
    const reason = reasonOf(await ask('misbehaving', { does: 'long-reason' }));
    assert.ok(reason.length === 800 && reason.endsWith('…'));
  });

  it('does not ask after the deadline of the event, and not beyond it', async () => {
    const late = await ask('misbehaving', { does: 'nothing' }, { deadline: '2001-01-01T00:00:00Z' });
    assert.ok(late.kind === 'error' && late.timedOut);
    const nowMs = Date.parse('2026-01-01T00:00:00Z');
    await host.close();
    host = createPluginHost({ registry, cluster: clusterOf(0), log: logInto(lines), now: () => nowMs });
    const short = await ask('misbehaving', { does: 'silence' }, { deadline: '2026-01-01T00:00:00.600Z' });
    assert.deepEqual(short, { kind: 'error', message: 'plugin misbehaving timed out after 0.6 s', timedOut: true });
  });

  it('refuses a plugin it does not have and a configuration that does not fit, without starting a thread', async () => {
    assert.match(errorOf(await ask('stranger', {})), /no plugin stranger.*--plugin/);
    assert.match(
      errorOf(await ask('misbehaving', { does: 'what?' })),
      /config\/does must be equal.*spec\.plugin\.config/,
    );
  });

  it('answers calls that are under way, and later ones, with an error when it is closed', async () => {
    await ask('misbehaving', { does: 'nothing' });
    const pending = ask('misbehaving', { does: 'silence' });
    await host.close();
    assert.match(errorOf(await pending), /shuts down/);
    assert.match(errorOf(await ask('misbehaving', { does: 'nothing' })), /shuts down/);
  });

  it('does not keep a process alive that has nothing else to do', async () => {
    const script = `
      import { createPluginHost } from './src/plugins/in-process/plugin-host.ts';
      import { loadPlugins } from './src/plugins/plugin-registry.ts';
      import { memoryNotify, registeredNotifier } from './test/support/notifier-call.ts';
      const registry = await loadPlugins({ specifiers: [] });
      const host = createPluginHost({ registry, cluster: {}, log: console });
      const reply = await host.call(registeredNotifier({ name: 'fault-injection', config: {} }), memoryNotify());
      console.log(JSON.stringify(reply));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: new URL('../../../', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0);
    assert.equal(output.trim(), '{"kind":"answer","answer":{"result":"NOTIFY_OK"}}');
  });
});

function reasonOf(reply: NotifierReply): string {
  assert.ok(reply.kind === 'answer', reply.kind === 'error' ? reply.message : '');
  return reply.answer.reason ?? '';
}

function errorOf(reply: NotifierReply): string {
  assert.ok(reply.kind === 'error', JSON.stringify(reply));
  return reply.message;
}

function clusterOf(podCount: number): ClusterReader {
  const pod = { namespace: 'default', containers: [], initContainers: [], overheadBytes: 0 };
  const isThere = (name: string) => name !== 'gone';
  return {
    node: (name) =>
      name === 'hangs'
        ? new Promise(() => undefined)
        : Promise.resolve(isThere(name) ? { name, capacityBytes: 1, allocatableBytes: 1 } : undefined),
    podsOnNode: () =>
      Promise.resolve(Array.from({ length: podCount }, (_, at) => ({ ...pod, name: `p${String(at)}` }))),
    nodeMemoryOnlineBytes: (name) => Promise.resolve(isThere(name) ? 1024 : undefined),
  };
}

function logInto(lines: { message: string; fields: unknown }[]): PluginLog {
  const log = (message: string, fields?: unknown) => void lines.push({ message, fields });
  return { debug: log, info: log, warn: log, error: log };
}
