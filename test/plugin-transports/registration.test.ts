/** Registering notifiers with kubectl: what cannot work is told to whom registers it, and disturbs nobody else. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryNotifier } from '../../src/contract/resources.ts';
import { MEMORY_NOTIFIERS } from '../../src/k8s/resource-kind.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readCalls } from '../support/plugin-script.ts';
import type { NotifierManifest } from '../support/simulated-cluster.ts';

const NODE = 'registration';
/** Blocks 8-15 can be brought online: one operation each, without an add before. */
const LAYOUT = [
  { range: '0-7', state: 'online', zone: 'Normal' },
  { range: '8-15', state: 'offline' },
] as const;
/** What the API server takes and JSON.stringify does not; in a manifest it is put in place of the word. */
const DEPTH = 9_000;
const DEEPLY_NESTED = 'deeply nested';
const JUNK = Buffer.from('no certificate').toString('base64');

describe('registering a notifier', function () {
  this.timeout(30_000);
  let stage: OperatorStage;
  let calls: string;
  const registered: string[] = [];

  const register = async (name: string, spec: NotifierManifest): Promise<void> => {
    registered.push(name);
    const { apiVersion, kind } = MEMORY_NOTIFIERS;
    const manifest = { apiVersion, kind, metadata: { name }, spec };
    const text = JSON.stringify(manifest).replace(`"${DEEPLY_NESTED}"`, '['.repeat(DEPTH) + ']'.repeat(DEPTH));
    await stage.kubectl.succeed(['apply', '-f', '-'], text);
  };
  const scripted = (): NotifierManifest => ({ plugin: { name: 'scripted', config: { calls } } });
  /** Its Ready condition, once that is about the present spec. */
  const readyOf = (name: string): Promise<string> =>
    eventually(`${name} is judged`, async () => {
      // Raw: kubectl would indent every level of what is nested.
      const text = await stage.kubectl.succeed(['get', '--raw', `${MEMORY_NOTIFIERS.path}/${name}`]);
      const { metadata, status } = JSON.parse(text) as MemoryNotifier;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      const isCurrent = ready?.observedGeneration === metadata.generation;
      return isCurrent && ready && `${ready.status}/${ready.reason}: ${ready.message}`;
    });
  /** Names of those that were told MEM_ONLINE about a block. */
  const toldOnline = (blockId: number): readonly string[] =>
    readCalls(calls)
      .filter((call) => call.action === 'MEM_ONLINE' && call.blockId === blockId)
      .map(({ notifier }) => notifier);
  const bringOnline = async (blockId: number, labels: Readonly<Record<string, string>> = {}): Promise<string> => {
    const block = await stage.applyBlock({ nodeName: NODE, blockId, state: 'online', labels });
    await stage.waitReady(block);
    return block;
  };

  before(async function () {
    this.timeout(60_000);
    stage = await openOperatorStage();
    calls = path.join(await mkdtemp(path.join(tmpdir(), 'memhp-registration-')), 'calls.jsonl');
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE, labels: { rack: 'r1' } } };
    await stage.kubectl.succeed(['apply', '-f', '-'], node);
    await stage.createNode(NODE, { simulated: { blocks: LAYOUT } });
    await stage.kubectl.succeed(['label', `nmem/${NODE}`, 'tier=cold', 'rack=of-the-node-memory']);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot', ...registered]);
    await stage.kubectl.succeed(['delete', '--ignore-not-found', `node/${NODE}`]);
    await stage.deleteNode(NODE);
    await rm(path.dirname(calls), { recursive: true, force: true });
  });

  it('is refused by the API server where the object itself is wrong, in words', async () => {
    const spec = { plugin: { name: 'scripted' }, taskQueue: { name: 'q', activity: 'a' } };
    const manifest = {
      apiVersion: 'memoryhotplug.io/v1alpha1',
      kind: 'MemoryNotifier',
      metadata: { name: 'two' },
      spec,
    };
    const { status, stderr } = await stage.kubectl.run(['apply', '-f', '-'], manifest);
    assert.equal(status, 1);
    assert.match(stderr, /exactly one of plugin, webhook and taskQueue must be set/);
  });

  const INVALID: readonly [name: string, spec: () => NotifierManifest, message: RegExp][] = [
    [
      'no-such-plugin',
      () => ({ plugin: { name: 'no-such-plugin' } }),
      /there is no plugin no-such-plugin; this operator has .*capacity-guard.*start it with --plugin/,
    ],
    [
      'wrong-config',
      () => ({ plugin: { name: 'capacity-guard', config: { reserve: 'lots' } } }),
      /config\/reserve .*; see the configuration of plugin capacity-guard and correct spec\.plugin\.config/,
    ],
    [
      'deep-config',
      () => ({ plugin: { name: 'scripted', config: { calls: DEEPLY_NESTED } } }),
      /spec\.plugin\.config is nested deeper than the 64 levels that are allowed/,
    ],
    [
      'own-queue',
      () => ({ taskQueue: { name: `${stage.clusterId}/operations`, activity: 'recordOutcome' } }),
      /is one of the operator's own; name the queue of the plugin's worker/,
    ],
    [
      'junk-ca',
      () => ({ webhook: { url: 'https://127.0.0.1:1/', caBundle: JUNK } }),
      /spec\.webhook\.caBundle holds no certificate; it is the base64 of a file in PEM format/,
    ],
  ];
  for (const [name, spec, message] of INVALID) {
    it(`shows in Ready what to do: ${name}`, async () => {
      await register(name, { blockSelector: { matchLabels: { bad: 'yes' } }, failurePolicy: 'Ignore', ...spec() });
      const ready = await readyOf(name);
      assert.match(ready, /^False\/Invalid: /);
      assert.match(ready, message);
    });
  }

  it('of others is not disturbed by what is registered wrongly', async () => {
    await register('beside-bad', { ...scripted(), priority: -1, blockSelector: { matchLabels: { bad: 'yes' } } });
    assert.match(await readyOf('beside-bad'), /^True\/Registered/);
    const block = await bringOnline(8, { bad: 'yes' });
    assert.deepEqual(toldOnline(8), ['beside-bad']);
    const { notifiers } = await stage.blockStatus(block);
    const failed = notifiers?.filter(({ result }) => result === 'Error').map(({ name }) => name);
    assert.deepEqual(new Set(failed), new Set(INVALID.map(([name]) => name)), 'each is recorded');
    await bringOnline(9);
    const { notifiers: elsewhere } = await stage.blockStatus(`${NODE}-memory9`);
    assert.deepEqual(elsewhere ?? [], [], 'and no other block hears of them');
  });

  it('is undone for a while by spec.suspend: it says so and is not asked', async () => {
    const labels = { suspended: 'yes' };
    await register('suspended', { ...scripted(), suspend: true, blockSelector: { matchLabels: labels } });
    assert.match(await readyOf('suspended'), /^False\/Suspended: is not asked while spec\.suspend is true/);
    await bringOnline(10, labels);
    assert.deepEqual(toldOnline(10), []);
    const resume = '{"spec":{"suspend":false}}';
    await stage.kubectl.succeed(['patch', 'mnot/suspended', '--type=merge', '-p', resume]);
    await bringOnline(11, labels);
    assert.deepEqual(toldOnline(11), ['suspended']);
  });

  it('can be for some nodes and blocks, by labels of the Node, of the NodeMemory and of the MemoryBlock', async () => {
    const selectors: Readonly<Record<string, NotifierManifest>> = {
      'by-node-label': { nodeSelector: { matchLabels: { rack: 'r1' } } },
      'by-node-memory-label': { nodeSelector: { matchLabels: { tier: 'cold' } } },
      'by-hidden-label': { nodeSelector: { matchLabels: { rack: 'of-the-node-memory' } } },
      'by-both': {
        nodeSelector: { matchLabels: { rack: 'r1', tier: 'cold' } },
        blockSelector: { matchLabels: { team: 'a' } },
      },
      'by-other-block-label': { blockSelector: { matchLabels: { team: 'b' } } },
    };
    const all = Object.entries(selectors);
    await Promise.all(all.map(([name, selector]) => register(name, { ...scripted(), ...selector })));
    await Promise.all([bringOnline(12, { team: 'a' }), bringOnline(13)]);
    assert.deepEqual(new Set(toldOnline(12)), new Set(['by-node-label', 'by-node-memory-label', 'by-both']));
    assert.deepEqual(new Set(toldOnline(13)), new Set(['by-node-label', 'by-node-memory-label']));
  });
});
