/** What is noted of a client: late news may widen an interval, never narrow it. */
import assert from 'node:assert/strict';
import type { ScriptStep } from './client-script.ts';
import { HistoryClock } from './clock.ts';
import type { HistoryRecord } from './history.ts';
import { ObservedClient } from './observed-client.ts';

const WRITER: readonly ScriptStep[] = [
  { kind: 'take', locks: [{ name: 'M', mode: 'write' }], timeoutMs: 1_000 },
  { kind: 'use', holdMs: 0 },
];
const READER: readonly ScriptStep[] = [
  { kind: 'take', locks: [{ name: 'M', mode: 'read' }], timeoutMs: 1_000 },
  { kind: 'use', holdMs: 0 },
];
const NESTED: readonly ScriptStep[] = [
  ...WRITER,
  { kind: 'take', locks: [{ name: 'L', mode: 'write' }], timeoutMs: 1_000 },
  { kind: 'use', holdMs: 0 },
];

function observe(steps: readonly ScriptStep[]) {
  const clock = new HistoryClock();
  const started = clock.now();
  return { clock, started, client: new ObservedClient({ clock, client: 1, name: 'c1.1', node: 'n', steps }) };
}

function find<Op extends HistoryRecord['op']>(
  records: readonly HistoryRecord[],
  op: Op,
  lock = 'M',
): Extract<HistoryRecord, { op: Op }> {
  const found = records.find((record) => record.op === op && record.op !== 'fault' && record.lock === lock);
  assert.ok(found, `no ${op} of ${lock}`);
  return found as Extract<HistoryRecord, { op: Op }>;
}

describe('an observed client', () => {
  it('asks from its start on, and has its grant when it shows the token', () => {
    const { clock, started, client } = observe(WRITER);
    const asked = clock.now();
    client.use(1, { M: 7 }, [])();
    client.end({});
    const { call, return: end, result, token } = find(client.conclude(), 'acquire');
    assert.ok(call > started && call < asked && end !== null && end > asked);
    assert.deepEqual({ result, token }, { result: 'granted', token: 7 });
  });

  it('may have released from the end of its last step on, and has when its run ends', () => {
    const { clock, client } = observe(WRITER);
    const finish = client.use(1, { M: 7 }, []);
    const before = clock.now();
    finish();
    const after = clock.now();
    client.end({});
    const { call, return: end } = find(client.conclude(), 'release');
    assert.ok(call > before && call < after && end !== null && end > after);
  });

  it('loses its lock from the moment on at which somebody sets out to end its run', () => {
    const { clock, client } = observe(WRITER);
    const finish = client.use(1, { M: 7 }, []);
    const before = clock.now();
    client.close();
    const after = clock.now();
    finish();
    client.end();
    const { call, return: end } = find(client.conclude(), 'release');
    assert.ok(call > before && call < after);
    assert.equal(end, null);
  });

  it('has lost its lock from the first loss of memory on that came after it had asked', () => {
    const { clock, client } = observe(WRITER);
    const finish = client.use(1, { M: 7 }, []);
    const before = clock.now();
    client.lose();
    const after = clock.now();
    client.lose();
    finish();
    client.end();
    const { call } = find(client.conclude(), 'release');
    assert.ok(call > before && call < after);
  });

  it('may have released before it was ended from outside', () => {
    const { clock, client } = observe(WRITER);
    client.use(1, { M: 7 }, [])();
    const before = clock.now();
    client.close();
    client.end();
    assert.ok(find(client.conclude(), 'release').call < before);
  });

  it('may have given up all it has as soon as it asks for more, which may be refused', () => {
    const { clock, client } = observe(NESTED);
    client.use(1, { M: 7 }, [])();
    const asked = clock.now();
    client.end({ errno: 'EDEADLK' });
    const records = client.conclude();
    assert.ok(find(records, 'release').call < asked);
    assert.equal(find(records, 'acquire', 'L').result, 'refused');
  });

  it('has given nothing up once it shows what it asked for', () => {
    const { clock, client } = observe(NESTED);
    client.use(1, { M: 7 }, [])();
    const finish = client.use(3, { M: 7, L: 8 }, []);
    const shown = clock.now();
    client.close();
    finish();
    client.end();
    assert.ok(find(client.conclude(), 'release').call > shown);
  });

  it('is unknown to have got what it waited for when it was ended', () => {
    const { client } = observe(WRITER);
    client.close();
    client.end();
    const { result, return: end } = find(client.conclude(), 'acquire');
    assert.deepEqual({ result, end }, { result: 'unknown', end: null });
  });

  it('has learnt of a new token between the last step with the old one and the first with the new one', () => {
    const { clock, client } = observe([...WRITER, { kind: 'use', holdMs: 0 }]);
    const before = clock.now();
    client.use(1, { M: 7 }, [])();
    const between = clock.now();
    client.use(2, { M: 9 }, [])();
    client.end({});
    const { call, return: end, token } = find(client.conclude(), 'renew');
    assert.ok(call > before && call < between && end !== null && end > between);
    assert.equal(token, 9);
  });

  it('as a reader that was ended leaves no step behind: nothing on the node stands for it', () => {
    const { client } = observe(READER);
    const finish = client.use(1, { M: 7 }, []);
    client.close();
    finish();
    client.end();
    assert.equal(
      client.conclude().some(({ op }) => op === 'use'),
      false,
    );
  });
});
