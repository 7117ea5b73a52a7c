import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRNO, type Errno } from '../../../src/kernel/errno.ts';
import { MEMORY_ACTIONS } from '../../../src/kernel/memory-action.ts';
import { createPluginHost, type PluginHost } from '../../../src/plugins/in-process/plugin-host.ts';
import { injectedFault } from '../../../src/plugins/fault-injection/injected-fault.ts';
import { loadPlugins, type PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';

const action = fc.constantFrom(...MEMORY_ACTIONS);
const errno = fc.constantFrom(...(Object.keys(ERRNO) as Errno[]));

describe('fault-injection', function () {
  this.timeout(20_000);
  let registry: PluginRegistry;
  let host: PluginHost;

  before(async () => {
    registry = await loadPlugins({ specifiers: [] });
    const refuse = () => Promise.reject(new Error('not read'));
    const ignore = () => undefined;
    host = createPluginHost({
      registry,
      cluster: { node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  });

  after(() => host.close());

  it('injects an errno at the actions that have one and nothing at the others', () => {
    fc.assert(
      fc.property(fc.dictionary(action, errno), action, (errors, asked) => {
        const injected = errors[asked];
        const expected = injected ? { kind: 'errno', errno: injected } : { kind: 'none' };
        assert.deepEqual(injectedFault({ errors }, asked), { delayMs: 0, fault: expected });
      }),
    );
  });

  it('lets the most disruptive of several faults win', () => {
    const all = {
      errors: { MEM_ONLINE: 'EIO' },
      throw: ['MEM_ONLINE'],
      hang: ['MEM_ONLINE'],
      exit: ['MEM_ONLINE'],
    } as const;
    assert.deepEqual(injectedFault(all, 'MEM_ONLINE').fault, { kind: 'exit' });
    assert.deepEqual(injectedFault({ ...all, exit: [] }, 'MEM_ONLINE').fault, { kind: 'hang' });
    assert.deepEqual(injectedFault({ ...all, exit: [], hang: [] }, 'MEM_ONLINE').fault, { kind: 'throw' });
    assert.deepEqual(injectedFault(all, 'MEM_OFFLINE').fault, { kind: 'none' });
  });

  it('delays every action, or the ones named', () => {
    assert.equal(injectedFault({ delayMs: 5 }, 'MEM_ONLINE').delayMs, 5);
    assert.equal(injectedFault({ delayMs: { MEM_ONLINE: 5 } }, 'MEM_ONLINE').delayMs, 5);
    assert.equal(injectedFault({ delayMs: { MEM_ONLINE: 5 } }, 'MEM_OFFLINE').delayMs, 0);
  });

  it('answers the errno through the host, and NOTIFY_OK where none is set', async () => {
    const config = { errors: { MEM_GOING_ONLINE: 'ENOMEM' }, delayMs: 20 };
    const notifier = registeredNotifier({ name: 'fault-injection', config });
    const startMs = performance.now();
    assert.deepEqual(await host.call(notifier, memoryNotify({ action: 'MEM_GOING_ONLINE' })), {
      kind: 'answer',
      answer: { result: 'NOTIFY_BAD', errno: 'ENOMEM', reason: 'injected ENOMEM at MEM_GOING_ONLINE' },
    });
    assert.ok(performance.now() - startMs >= 19, 'delayed');
    assert.deepEqual(await host.call(notifier, memoryNotify({ action: 'MEM_ONLINE' })), {
      kind: 'answer',
      answer: { result: 'NOTIFY_OK' },
    });
  });

  for (const [word, problem] of [
    ['hang', /timed out after 0\.5 s/],
    ['exit', /exited with code 1/],
    ['throw', /failed: injected at MEM_OFFLINE/],
  ] as const) {
    it(`gives no answer when told to ${word}`, async () => {
      const notifier = registeredNotifier(
        { name: 'fault-injection', config: { [word]: ['MEM_OFFLINE'] } },
        { timeoutMs: word === 'hang' ? 500 : 5_000 },
      );
      const reply = await host.call(notifier, memoryNotify({ action: 'MEM_OFFLINE' }));
      assert.match(reply.kind === 'error' ? reply.message : 'answered', problem);
    });
  }

  for (const config of [
    { errors: { MEM_GOING_ONLINE: 'EWHAT' } },
    { errors: { MEM_SOMETIME: 'EIO' } },
    { delayMs: -1 },
    { delayMs: 60_001 },
    { hang: ['MEM_SOMETIME'] },
    { hangs: ['MEM_ONLINE'] },
  ]) {
    it(`refuses ${JSON.stringify(config)}`, () => {
      assert.match(registry.validateConfig('fault-injection', config) ?? 'fits', /plugin fault-injection/);
    });
  }
});
