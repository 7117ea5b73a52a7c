import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commandTaskQueue, locksTaskQueue, nodeTaskQueue, operationsTaskQueue } from '../../src/contract/names.ts';
import type { NotifierTransport } from '../../src/contract/notifier.ts';
import type { MemoryNotifierSpec } from '../../src/contract/resources.ts';
import { notifierRows } from '../../src/cli/notifier-rows.ts';
import { whyTooLong } from '../../src/controller/look-again.ts';
import { notifierTransport } from '../../src/controller/notifier-transport.ts';
import { registeredNotifiers } from '../../src/controller/registered-notifiers.ts';

const SPEC: MemoryNotifierSpec = { priority: 0, failurePolicy: 'Fail', timeoutSeconds: 10 };
const onQueue = (name: string, activity = 'notify'): NotifierTransport =>
  notifierTransport({ ...SPEC, taskQueue: { name, activity } }, 'mine');
const dnsName = fc.stringMatching(/^[a-z0-9][-a-z0-9.]{0,20}$/);

function problemOf(transport: NotifierTransport): string {
  assert.equal(transport.kind, 'invalid');
  return transport.problem;
}

/** `[[[…]]]` */
function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}

describe('the transport of a notifier inside the operator', () => {
  const withConfig = (config: Readonly<Record<string, unknown>>): NotifierTransport =>
    notifierTransport({ ...SPEC, plugin: { name: 'guard', config } }, 'mine');

  it('is the plugin and its configuration, {} when unset', () => {
    const config = { a: 1, b: [{ c: null }] };
    assert.deepEqual(withConfig(config), { kind: 'plugin', name: 'guard', config });
    assert.deepEqual(notifierTransport({ ...SPEC, plugin: { name: 'guard' } }, 'mine'), {
      kind: 'plugin',
      name: 'guard',
      config: {},
    });
  });

  it('has a configuration of 64 levels at most, whatever the API server has taken', () => {
    assert.equal(withConfig({ a: nested(63) }).kind, 'plugin');
    for (const depth of [64, 100, 9_000]) {
      const problem = problemOf(withConfig({ a: 1, b: nested(depth), c: {} }));
      assert.match(problem, /^spec\.plugin\.config is nested deeper than the 64 levels that are allowed$/);
    }
  });

  it('is something that an operation can carry, whatever the API server has taken', () => {
    const specs = [{ b: nested(9_000) }, { a: 'x'.repeat(40_000) }, { a: nested(63) }];
    const notifiers = specs.map((config, at) => ({
      metadata: { name: `n${String(at)}` },
      spec: { ...SPEC, plugin: { name: 'guard', config } },
    }));
    const subject = { cluster: 'mine', block: undefined, nodeMemory: undefined, node: undefined };
    const chain = registeredNotifiers(notifiers, subject);
    assert.equal(whyTooLong(chain), undefined);
    assert.deepEqual(structuredClone(JSON.parse(JSON.stringify(chain))), chain);
    assert.equal(notifierRows({ notifiers, blocks: [] }, undefined).length, 3);
  });

  it('has a configuration of 32768 characters at most', () => {
    assert.match(problemOf(withConfig({ a: 'x'.repeat(32_768) })), /has 32776 characters; 32768 are allowed/);
  });
});

describe('the transport of a notifier on a task queue', () => {
  it('is the queue and the activity, literally', () => {
    for (const name of ['database-guard', 'team a/guards', 'mine', 'mine-2/operations-guard', 'queue/für/alle']) {
      assert.deepEqual(onQueue(name, 'ask me'), { kind: 'taskQueue', taskQueue: name, activity: 'ask me' });
    }
  });

  it('is never a queue of an operator, an agent or a command, of this cluster or another', () => {
    fc.assert(
      fc.property(fc.constantFrom('mine', 'other', '6c16a926'), dnsName, (cluster, node) => {
        const own = [
          operationsTaskQueue(cluster),
          locksTaskQueue(cluster),
          nodeTaskQueue(cluster, node),
          commandTaskQueue(cluster, node),
        ];
        for (const queue of own) assert.match(problemOf(onQueue(queue)), /one of the operator's own; name the queue/);
      }),
    );
    assert.match(problemOf(onQueue('mine/anything')), /one of the operator's own/);
  });

  it('is nothing that the server would refuse in the middle of an operation', () => {
    assert.match(problemOf(onQueue('/_sys/database-guard/1')), /one of Temporal's own/);
    for (const [name, activity] of [
      ['𝔮'.repeat(255), 'notify'],
      ['guard', '𝔞'.repeat(255)],
    ] as const) {
      assert.match(problemOf(onQueue(name, activity)), /more than 1000 bytes; choose a shorter one/);
    }
  });
});
