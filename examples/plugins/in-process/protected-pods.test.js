import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plugin } from './protected-pods.js';

const PODS = ['databases/orders-0', 'databases/orders-1', 'kube-system/etcd-a.b', 'web/front', 'web/orders-0'];

/** Asks the plugin about worker-1, on which PODS run. */
function ask(action, config) {
  const pods = PODS.map((pod) => {
    const [namespace, name] = pod.split('/');
    return { namespace, name };
  });
  const cluster = { podsOnNode: async (node) => (node === 'worker-1' ? pods : []) };
  return plugin.notify({ action, node: 'worker-1' }, config, { cluster });
}

test('vetoes an offline on a node with a protected pod, and names it', async () => {
  assert.deepEqual(await ask('MEM_GOING_OFFLINE', { pods: ['web/front'], retryAfterSeconds: 60 }), {
    result: 'NOTIFY_BAD',
    errno: 'EBUSY',
    reason: 'web/front on worker-1: protected',
    retryAfterSeconds: 60,
  });
});

for (const [pods, protects] of [
  [['databases/*'], ['databases/orders-0', 'databases/orders-1']],
  [['*/orders-*'], ['databases/orders-0', 'databases/orders-1', 'web/orders-0']],
  [['kube-system/etcd-a.b'], ['kube-system/etcd-a.b']],
  [['kube-system/etcd.a.b', 'web/fro', 'eb/*'], []],
]) {
  test(`${pods.join(', ')} protects ${protects.join(', ') || 'nobody'}`, async () => {
    const { result, reason } = await ask('MEM_GOING_OFFLINE', { pods });
    assert.equal(result, protects.length === 0 ? 'NOTIFY_OK' : 'NOTIFY_BAD');
    for (const pod of PODS) assert.equal(reason.includes(pod), protects.includes(pod), pod);
  });
}

test('names three and counts the others', async () => {
  const { reason } = await ask('MEM_GOING_OFFLINE', { pods: ['*/*'] });
  assert.match(reason, /^databases\/orders-0, databases\/orders-1, kube-system\/etcd-a\.b and 2 more on worker-1/);
});

test('cares about nothing else', async () => {
  for (const action of ['MEM_OFFLINE', 'MEM_CANCEL_OFFLINE', 'MEM_GOING_ONLINE', 'MEM_ONLINE', 'MEM_CANCEL_ONLINE']) {
    assert.deepEqual(await ask(action, { pods: ['*/*'] }), { result: 'NOTIFY_DONE' });
  }
});
