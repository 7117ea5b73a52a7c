import assert from 'node:assert/strict';
import type { ChangeKind } from '../../src/k8s/object-copy.ts';
import { SelfHealingInformer, type InformerState } from '../../src/k8s/self-healing-informer.ts';
import type { Clock } from '../../src/controller/clock.ts';
import { FakeApiServer, FAKE_COLLECTION, type FakeObject } from '../support/fake-api-server.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/eventually.ts';

const SOON = { limitMs: 4_000, everyMs: 5 };
const KIND = { apiVersion: 'v1', kind: 'Thing', path: FAKE_COLLECTION };

describe('the self-healing informer', () => {
  let server: FakeApiServer;
  let informer: SelfHealingInformer<FakeObject>;
  let told: Map<string, number>;
  let changes: ChangeKind[];
  let states: InformerState[];

  async function follow(options: { relistMs?: number; clock?: Clock } = {}): Promise<void> {
    informer = new SelfHealingInformer<FakeObject>({
      kubeConfig: await server.listen(),
      kind: KIND,
      backoff: { baseMs: 1, maxMs: 20 },
      onChange(object, change) {
        changes.push(change);
        if (change === 'delete') told.delete(object.metadata.name);
        else told.set(object.metadata.name, object.value);
      },
      onState: (state) => states.push(state),
      ...options,
    });
    informer.start();
    await informer.whenSynced();
  }

  /** What the handler was told, what the copy holds, and what the server has are one and the same. */
  async function agrees(): Promise<void> {
    await eventually(
      'the copy is what the server has',
      () => {
        const copy = Object.fromEntries(informer.list().map(({ metadata, value }) => [metadata.name, value]));
        assert.deepEqual(copy, server.values());
        assert.deepEqual(Object.fromEntries(told), server.values());
        return true;
      },
      SOON,
    );
  }

  async function watching(): Promise<void> {
    await eventually('a watch is open', () => server.openWatches === 1, SOON);
  }

  beforeEach(() => {
    server = new FakeApiServer();
    told = new Map();
    changes = [];
    states = [];
  });

  afterEach(async () => {
    await informer.stop();
    await server.close();
  });

  it('tells objects that were there and those that come, change and go', async () => {
    server.put('a', 1);
    await follow();
    await watching();
    server.put('b', 1);
    server.put('a', 2);
    server.remove('b');
    await agrees();
    assert.deepEqual(changes, ['add', 'add', 'update', 'delete']);
    assert.equal(informer.get('a')?.value, 2);
    assert.deepEqual(informer.check(), { ok: true, message: 'synced' });
  });

  it('misses nothing that happened while its watch was cut', async () => {
    server.put('a', 1);
    await follow();
    for (let round = 0; round < 5; round++) {
      await watching();
      server.dropWatches();
      server.put(`new-${String(round)}`, round);
      server.remove(`new-${String(round - 1)}`);
      await agrees();
    }
  });

  it('lists again when the server forgot what it missed, and tells what went away meanwhile', async () => {
    server.put('a', 1);
    server.put('b', 1);
    await follow();
    await watching();
    server.fail = 500;
    server.dropWatches();
    server.remove('a');
    server.compact();
    server.fail = undefined;
    await agrees();
    assert.ok(changes.includes('delete'));
  });

  it('lists again when told on the watch that it is too old', async () => {
    await follow();
    await watching();
    const lists = server.lists;
    server.expireWatches();
    await eventually('it lists again', () => server.lists > lists, SOON);
    assert.ok(!states.includes('failing'), 'being too old is no failure');
    server.put('a', 1);
    await agrees();
  });

  for (const code of [403, 500, 503]) {
    it(`heals after a time of ${String(code)}, keeping what it knew`, async () => {
      server.put('a', 1);
      await follow();
      await watching();
      server.fail = code;
      server.dropWatches();
      await eventually('it notices', () => states.includes('failing'), SOON);
      assert.equal(informer.get('a')?.value, 1);
      server.fail = undefined;
      server.put('b', 2);
      await agrees();
      await eventually('it is synced', () => informer.state === 'synced', SOON);
    });
  }

  it('stays current by listing while only watches are refused', async () => {
    server.failWatches = 403;
    await follow();
    server.put('a', 1);
    await agrees();
  });

  it('waits for a kind that is not installed yet, then follows it', async () => {
    server.isInstalled = false;
    await follow();
    assert.equal(informer.state, 'missing');
    assert.equal(informer.check().ok, false);
    server.isInstalled = true;
    server.put('a', 1);
    await agrees();
    assert.deepEqual(states, ['missing', 'synced']);
  }).timeout(5_000);

  for (const [what, isGroupInstalled] of [
    ['the kind', true],
    ['the last kind of its group', false],
  ] as const) {
    it(`tells all objects as deleted when ${what} is uninstalled`, async () => {
      server.put('a', 1);
      await follow();
      await watching();
      server.isInstalled = false;
      server.isGroupInstalled = isGroupInstalled;
      server.dropWatches();
      await eventually('all are told as deleted', () => told.size === 0 && informer.state === 'missing', SOON);
    });
  }

  for (const [what, answer] of [
    ['that has lost its servers', 'default backend - 404'],
    ['that speaks JSON', '{"kind":"Error","code":404,"reason":"NotFound"}'],
    ['that relays what another API server said', '{"kind":"Status","code":404,"reason":"NotFound"}'],
  ] as const) {
    it(`keeps what it knew when a 404 comes from a load balancer ${what}`, async () => {
      server.put('a', 1);
      await follow();
      await watching();
      server.balancer = { code: 404, body: answer };
      server.dropWatches();
      await eventually('it notices', () => states.includes('failing'), SOON);
      assert.deepEqual(changes, ['add']);
      assert.match(informer.check().message, /404/);
      server.balancer = undefined;
      server.put('b', 1);
      await agrees();
    });
  }

  it('takes no answer for a list that is none', async () => {
    server.put('a', 1);
    await follow();
    await watching();
    server.balancer = { code: 200, body: '{}' };
    server.expireWatches();
    await eventually('it notices', () => informer.check().message.includes('answered no list'), SOON);
    assert.deepEqual(changes, ['add']);
  });

  it('passes no check while the server fails, says why, and passes it again afterwards', async () => {
    await follow();
    await watching();
    server.fail = 500;
    server.dropWatches();
    await eventually('it says why', () => /failing: .*500/.test(informer.check().message), SOON);
    assert.equal(informer.check().ok, false);
    server.fail = undefined;
    await eventually('it is well again', () => informer.check().ok, SOON);
  });

  it('passes no check when the server has fallen silent', async () => {
    const clock = new FakeClock();
    await follow({ clock });
    await watching();
    clock.advance(44_000);
    assert.ok(informer.check().ok);
    clock.advance(2_000);
    assert.deepEqual(informer.check(), { ok: false, message: 'nothing was heard of the API server for 46 s' });
    server.put('a', 1);
    await eventually('an event is a sign of life', () => informer.check().ok, SOON);
  });

  it('tells every object again at each relist', async () => {
    server.put('a', 1);
    await follow({ relistMs: 20 });
    const updates = () => changes.filter((change) => change === 'update').length;
    await eventually('three updates', () => updates() >= 3, SOON);
  });

  it('asks nothing of the server while nothing happens', async () => {
    await follow();
    await watching();
    const requests = server.lists + server.watches;
    server.put('a', 1);
    await agrees();
    assert.equal(server.lists + server.watches, requests);
  });

  it('tells nothing after it was stopped', async () => {
    await follow();
    await watching();
    await informer.stop();
    server.put('a', 1);
    await eventually('the watch is closed', () => server.openWatches === 0, SOON);
    assert.equal(told.size, 0);
  });
});
