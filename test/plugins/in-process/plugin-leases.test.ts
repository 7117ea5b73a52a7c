/** Who may write Leases: a plugin that said so, through the process that runs it, and nothing but what a Lease is. */
import assert from 'node:assert/strict';
import type { NotifierReply } from '../../../src/contract/notifier.ts';
import { createPluginHost, type PluginHost } from '../../../src/plugins/in-process/plugin-host.ts';
import type { NodeLeases } from '../../../src/plugins/node-leases.ts';
import { loadPlugins, type PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;

describe('Leases for in-process plugins', function () {
  this.timeout(20_000);
  let registry: PluginRegistry;
  let writes: number;
  let places: string[];

  before(async () => {
    registry = await loadPlugins({ specifiers: ['./takes-leases.ts', './reads-leases.ts'], directory: FIXTURES });
  });

  beforeEach(() => {
    writes = 0;
    places = [];
  });

  function hostWith(leases?: NodeLeases): PluginHost {
    const refuse = () => Promise.reject(new Error('not read'));
    const ignore = () => undefined;
    return createPluginHost({
      registry,
      cluster: { node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      ...(leases && { leases }),
    });
  }

  async function ask(name: string, config: Readonly<Record<string, unknown>>, leases?: NodeLeases): Promise<string> {
    const host = hostWith(leases);
    try {
      return textOf(await host.call(registeredNotifier({ name, config }), memoryNotify()));
    } finally {
      await host.close();
    }
  }

  function textOf(reply: NotifierReply): string {
    return reply.kind === 'error' ? reply.message : (reply.answer.reason ?? '');
  }

  const counting: NodeLeases = {
    read: (namespace, node) => {
      places.push(`${namespace}/${node}`);
      return Promise.resolve(undefined);
    },
    write: () => {
      writes++;
      return Promise.resolve('written');
    },
  };

  it('are given to a plugin that declares to use them', async () => {
    assert.deepEqual(registry.find('node-lease')?.uses, ['leases']);
    assert.match(await ask('node-lease', {}, counting), /is held for this operation/);
    assert.equal(writes, 1);
  });

  it('are refused to one that does not, with what to do', async () => {
    assert.deepEqual(registry.find('takes-leases')?.uses, []);
    assert.match(
      await ask('takes-leases', {}, counting),
      /takes-leases failed: writing the Lease .* add uses: \['leases'\]/,
    );
    assert.equal(writes, 0);
  });

  it('cannot be reached by a message of its own making', async () => {
    assert.match(await ask('takes-leases', { forge: true }, counting), /sent a message that no plugin thread sends/);
    assert.equal(writes, 0);
  });

  it('are those of the node that the plugin is asked about', async () => {
    assert.equal(await ask('reads-leases', {}, counting), 'read undefined');
    assert.deepEqual(places, ['medik8s-leases/worker-1']);
    const other = await ask('reads-leases', { node: 'worker-2' }, counting);
    assert.match(other, /reading the Lease of worker-2 .*: a plugin may use .* only while it is asked about that node/);
    assert.deepEqual(places, ['medik8s-leases/worker-1']);
  });

  it('are refused to a plugin that has answered', async () => {
    const host = hostWith(counting);
    const call = (config: object, node: string): Promise<NotifierReply> =>
      host.call(registeredNotifier({ name: 'reads-leases', config: { ...config } }), memoryNotify({ node }));
    try {
      assert.equal(textOf(await call({ late: true }, 'worker-1')), 'later');
      assert.match(textOf(await call({ tell: true }, 'worker-2')), /only while it is asked about that node/);
    } finally {
      await host.close();
    }
    assert.deepEqual(places, []);
  });

  for (const namespace of ['kube-node-lease', 'kube-system', 'kube-public', 'kube-of-the-future']) {
    it(`are refused in ${namespace}, where others live on them`, async () => {
      const text = await ask('reads-leases', { namespace }, counting);
      assert.match(text, /in kube-\S+: what is in the namespaces kube-… keeps the cluster itself alive; use another/);
      assert.match(
        await ask('node-lease', { namespace }, counting),
        /config\/namespace must match .*spec\.plugin\.config/,
      );
      assert.deepEqual([places, writes], [[], 0]);
    });
  }

  for (const namespace of ['.', '..', 'a/b', 'Upper', 'x'.repeat(64)]) {
    it(`are nowhere but in a namespace: ${namespace}`, async () => {
      assert.match(await ask('reads-leases', { namespace }, counting), /that is no name of a namespace/);
      assert.deepEqual(places, []);
    });
  }

  it('are refused in words where the process has none', async () => {
    assert.match(await ask('node-lease', {}), /node-lease failed: .*offers plugins no Leases/);
  });
});
