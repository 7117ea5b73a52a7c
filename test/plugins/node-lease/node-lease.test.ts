import assert from 'node:assert/strict';
import type { MemoryNotify, NotifierAnswer } from '../../../src/contract/notifier.ts';
import { createPluginHost, type PluginHost } from '../../../src/plugins/in-process/plugin-host.ts';
import type { NodeLease } from '../../../src/plugins/node-leases.ts';
import { loadPlugins, type PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';
import { StoredLeases } from './stored-leases.ts';

const NODE = 'worker-1';

describe('node-lease', function () {
  this.timeout(20_000);
  let registry: PluginRegistry;
  let host: PluginHost;
  let leases: StoredLeases;

  before(async () => {
    registry = await loadPlugins({ specifiers: [] });
  });

  beforeEach(() => {
    const refuse = () => Promise.reject(new Error('not read'));
    const ignore = () => undefined;
    leases = new StoredLeases();
    host = createPluginHost({
      registry,
      leases,
      cluster: { node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  });

  afterEach(() => host.close());

  async function notify(event: Partial<MemoryNotify>, config = {}): Promise<NotifierAnswer> {
    const reply = await host.call(registeredNotifier({ name: 'node-lease', config }), memoryNotify(event));
    assert.ok(reply.kind === 'answer', reply.kind === 'error' ? reply.message : '');
    return reply.answer;
  }

  function heldBy(holder: string): Omit<NodeLease, 'version'> {
    const nowMs = Date.now();
    return { namespace: 'medik8s-leases', node: NODE, holder, durationSeconds: 60, renewMs: nowMs, transitions: 0 };
  }

  for (const [going, end] of [
    ['MEM_GOING_OFFLINE', 'MEM_OFFLINE'],
    ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE'],
    ['MEM_GOING_ONLINE', 'MEM_ONLINE'],
    ['MEM_GOING_ONLINE', 'MEM_CANCEL_ONLINE'],
  ] as const) {
    it(`holds the Lease from ${going} to ${end}`, async () => {
      const isGoing = await notify({ action: going });
      assert.deepEqual(isGoing, {
        result: 'NOTIFY_OK',
        reason: 'Lease medik8s-leases/node-worker-1 is held for this operation',
      });
      assert.equal(leases.get(NODE)?.holder, 'memory-hotplug-operator');
      await notify({ action: end });
      assert.equal(leases.get(NODE)?.holder, undefined);
    });
  }

  it('holds it as, where and for how long its configuration says', async () => {
    leases.namespaces.add('leases');
    await notify({}, { namespace: 'leases', holderIdentity: 'me', leaseDurationSeconds: 90 });
    const lease = leases.get(NODE, 'leases');
    assert.deepEqual([lease?.holder, lease?.durationSeconds], ['me', 90]);
  });

  it('vetoes with the name of whoever was faster', async () => {
    leases.beforeWrite = () => {
      leases.set(heldBy('fence-agents-remediation'));
    };
    const answer = await notify({});
    assert.ok(answer.errno === 'EBUSY' && answer.reason?.includes('held by fence-agents-remediation'));
  });

  it('tries again when only something else about the Lease changed', async () => {
    leases.set({ namespace: 'medik8s-leases', node: NODE, transitions: 0 });
    leases.beforeWrite = () => {
      leases.set({ namespace: 'medik8s-leases', node: NODE, transitions: 5 });
      leases.beforeWrite = () => undefined;
    };
    assert.equal((await notify({})).result, 'NOTIFY_OK');
    assert.equal(leases.get(NODE)?.transitions, 6);
  });

  it('does not try for ever: a GOING action is vetoed, another is done', async () => {
    leases.set({ ...heldBy('memory-hotplug-operator'), operation: { workflowId: 'w', runId: 'run-1', token: 0 } });
    leases.beforeWrite = () => {
      leases.set({ ...heldBy('memory-hotplug-operator'), operation: { workflowId: 'w', runId: 'run-1', token: 0 } });
    };
    const going = await notify({});
    assert.ok(going.errno === 'EBUSY' && going.reason?.includes('faster than it can be written'));
    assert.equal((await notify({ action: 'MEM_OFFLINE' })).result, 'NOTIFY_DONE');
  });

  it('says what to do when there is no namespace for Leases', async () => {
    leases.namespaces.clear();
    const answer = await notify({});
    assert.deepEqual([answer.result, answer.errno], ['NOTIFY_BAD', 'ENOENT']);
    assert.match(answer.reason ?? '', /kubectl create namespace medik8s-leases.*spec\.plugin\.config\.namespace/);
    assert.equal((await notify({ action: 'MEM_CANCEL_OFFLINE' })).result, 'NOTIFY_DONE');
  });

  it('answers a dry run as it would, and writes nothing', async () => {
    assert.equal((await notify({ dryRun: true })).result, 'NOTIFY_OK');
    assert.equal(leases.get(NODE), undefined);
    leases.set(heldBy('node-maintenance'));
    assert.equal((await notify({ dryRun: true })).errno, 'EBUSY');
    leases.namespaces.clear();
    assert.equal((await notify({ dryRun: true, node: 'worker-2' })).errno, 'ENOENT');
  });

  it('gives no answer when the API server gives none: failurePolicy decides', async () => {
    leases.write = () => Promise.reject(new Error('answered 403: forbidden. Grant this to the service account'));
    const reply = await host.call(registeredNotifier({ name: 'node-lease', config: {} }), memoryNotify());
    assert.match(
      reply.kind === 'error' ? reply.message : '',
      /node-lease failed: writing the Lease of worker-1 in medik8s-leases: answered 403/,
    );
  });

  for (const config of [
    { namespace: 'Leases' },
    { namespace: '' },
    { holderIdentity: '' },
    { leaseDurationSeconds: 59 },
    { leaseDurationSeconds: 86_401 },
    { leaseDuration: 3600 },
  ]) {
    it(`refuses ${JSON.stringify(config)}`, () => {
      assert.match(registry.validateConfig('node-lease', config) ?? 'fits', /plugin node-lease/);
    });
  }
});
