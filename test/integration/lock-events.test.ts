/** What the lock service tells about a node, on a real API server. */
import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import type { LockdepReport } from '../../src/kernel/lockdep.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { createLockEvents } from '../../src/operator/lock-events.ts';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';

const NODE = 'lock-events';
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const HOLDER = { workflowId: 'c/memoryblock/lock-events/32', runId: 'run-1' };
const REPORT: LockdepReport = {
  cycle: ['mem_hotplug_lock', 'device_lock'],
  chains: [
    { ...HOLDER, purpose: 'add 0x100000000', held: [], wanted: 'device_lock/memory32' },
    { ...HOLDER, runId: 'run-2', purpose: 'online memory32', held: [], wanted: 'mem_hotplug_lock' },
  ],
  message: 'add 0x100000000 held mem_hotplug_lock; online memory32 held device_lock/memory32',
};

describe('events of the lock service', function () {
  this.timeout(60_000);
  let plane: TestControlPlane;
  let events: ReturnType<typeof createLockEvents>;

  const openEvents = (kubeConfig: KubeConfig, instance: string): typeof events =>
    createLockEvents({ kubeConfig, instance, log: SILENT });

  before(async () => {
    plane = await sharedControlPlane();
    events = openEvents(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'test');
    const manifest = { apiVersion: 'memoryhotplug.io/v1alpha1', kind: 'NodeMemory', metadata: { name: NODE } };
    await plane.kubectl.succeed(['apply', '-f', '-'], JSON.stringify(manifest));
  });
  after(() => plane.kubectl.succeed(['delete', 'nmem', NODE]));

  const told = async (reason: string): Promise<readonly { type: string; message: string }[]> => {
    const selector = `involvedObject.kind=NodeMemory,involvedObject.name=${NODE},reason=${reason}`;
    const list = await plane.kubectl.succeed([
      'get',
      'events',
      '-n',
      'default',
      '--field-selector',
      selector,
      '-o',
      'json',
    ]);
    return (JSON.parse(list) as { items: { type: string; message: string }[] }).items;
  };

  it('names both chains of an inversion, once, whoever tells it and however often', async () => {
    const other = openEvents(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'another-operator');
    for (const one of [events, events, other]) await one.reportLockdep({ node: NODE, report: REPORT });
    const [event, ...more] = await told('LockOrderInversion');
    assert.deepEqual(more, []);
    assert.deepEqual([event?.type, event?.message], ['Warning', REPORT.message]);
    assert.match(await plane.kubectl.succeed(['describe', 'nmem', NODE]), /Warning +LockOrderInversion/);
  });

  it('says who released a lock, why, and whether it was safe; each release is told', async () => {
    const release = {
      node: NODE,
      lock: 'device_hotplug_lock',
      holder: HOLDER,
      purpose: 'online memory32',
      by: 'alice',
    };
    await events.auditLockRelease({ ...release, token: 1, reason: 'it hangs', isUnsafe: false });
    await events.auditLockRelease({ ...release, token: 2, reason: 'the machine is off', isUnsafe: true });
    const messages = (await told('LockReleased')).map(({ message }) => message).sort();
    assert.equal(messages.length, 2);
    assert.match(
      messages[0]!,
      /^alice released device_hotplug_lock \(token 1\) of online memory32, .*settled.*: it hangs$/,
    );
    assert.match(messages[1]!, /\(token 2\).* without making sure .*: the machine is off$/);
  });

  it('has nobody to tell about a node that has left the cluster', async () => {
    await events.reportLockdep({ node: 'gone', report: REPORT });
  });
});
