import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  applyPermitEvent,
  EMPTY_PERMIT_TABLE,
  isPermitHeld,
  PERMIT_ENTRIES_MAX,
  PERMITS_FINISHED_MAX,
  type FoundPermit,
  type PermitEvent,
  type PermitTable,
} from '../../src/kernel/permit-table.ts';

const RUNS = ['a', 'b', 'c', 'd', 'e', 'f'];

function request(runId: string, max: number, asOfMs = 1, nowMs = 1): PermitEvent {
  return {
    kind: 'request',
    holder: { workflowId: `w-${runId}`, runId },
    purpose: runId,
    limit: { max, asOfMs },
    nowMs,
  };
}

function release(runId: string): PermitEvent {
  return { kind: 'release', runId, nowMs: 1 };
}

function found(runId: string, more: Partial<FoundPermit>): FoundPermit {
  return { holder: { workflowId: `w-${runId}`, runId }, purpose: runId, sinceMs: 0, isHeld: true, ...more };
}

interface Moment {
  readonly before: PermitTable;
  readonly event: PermitEvent;
  readonly table: PermitTable;
  readonly granted: readonly string[];
}

const OPEN: PermitEvent = { kind: 'open', found: [], nowMs: 0 };
const OPENED = applyPermitEvent(EMPTY_PERMIT_TABLE, OPEN).table;

function play(events: readonly PermitEvent[], from = OPENED): readonly Moment[] {
  let before = from;
  return events.map((event) => {
    const { table, granted } = applyPermitEvent(before, event);
    const moment = { before, event, table, granted: granted.map(({ runId }) => runId) };
    before = table;
    return moment;
  });
}

function endOf(events: readonly PermitEvent[], from?: PermitTable): PermitTable {
  return play(events, from).at(-1)?.table ?? OPENED;
}

const holders = ({ entries }: PermitTable) => entries.filter(({ isHeld }) => isHeld).map(({ holder }) => holder.runId);
const waiters = ({ entries }: PermitTable) => entries.filter(({ isHeld }) => !isHeld).map(({ holder }) => holder.runId);

const runId = fc.constantFrom(...RUNS);
/** The limit goes up and down; requests and releases are doubled, late, and in any order. */
const anyEvent: fc.Arbitrary<PermitEvent> = fc.oneof(
  fc
    .tuple(runId, fc.integer({ min: 1, max: 3 }), fc.nat({ max: 5 }), fc.nat({ max: 99 }))
    .map((args) => request(...args)),
  runId.map(release),
);
const history = fc.array(anyEvent, { maxLength: 40 });

function atEveryMoment(check: (moment: Moment) => void): void {
  fc.assert(
    fc.property(history, (events) => play(events).forEach(check)),
    { numRuns: 500 },
  );
}

describe('permit table, for any history', () => {
  it('nothing is granted beyond the limit in force', () => {
    atEveryMoment(({ before, table, granted }) => {
      const fresh = granted.filter((run) => !isPermitHeld(before, run));
      if (fresh.length > 0) assert.ok(holders(table).length <= table.limit.max);
      assert.deepEqual(
        holders(table).filter((run) => !isPermitHeld(before, run)),
        fresh,
      );
    });
  });

  it('nobody waits while a permit is free', () => {
    atEveryMoment(({ table }) => assert.ok(waiters(table).length === 0 || holders(table).length >= table.limit.max));
  });

  it('permits are granted in order of arrival, and a place in the queue is never lost', () => {
    atEveryMoment(({ before, event, table, granted }) => {
      const waited = waiters(before).filter((run) => event.kind !== 'release' || event.runId !== run);
      const stayed = waiters(table).filter((run) => waited.includes(run));
      assert.deepEqual(stayed, waited.slice(waited.length - stayed.length));
      const gone = waited.slice(0, waited.length - stayed.length);
      assert.deepEqual(
        granted.filter((run) => waited.includes(run)),
        gone,
      );
    });
  });

  it('nobody loses a permit, or its place, but by its own end', () => {
    atEveryMoment(({ before, event, table }) => {
      for (const { holder } of before.entries) {
        const isEnded = event.kind === 'release' && event.runId === holder.runId;
        assert.equal(
          table.entries.some((entry) => entry.holder.runId === holder.runId),
          !isEnded,
        );
      }
      for (const run of holders(before)) assert.ok(holders(table).includes(run) || event.kind === 'release');
    });
  });

  it('who has ended is granted nothing, whatever of it arrives late', () => {
    fc.assert(
      fc.property(history, history, runId, (earlier, later, run) => {
        const table = endOf([...earlier, release(run), ...later]);
        assert.ok(!table.entries.some(({ holder }) => holder.runId === run));
      }),
    );
  });

  it('a message that arrives twice changes nothing; a grant is told again', () => {
    fc.assert(
      fc.property(history, anyEvent, (events, event) => {
        const once = endOf([...events, event]);
        const { table, granted } = applyPermitEvent(once, event);
        assert.deepEqual(table, once);
        const isTold = event.kind === 'request' && isPermitHeld(once, event.holder.runId);
        assert.deepEqual(granted, isTold ? [event.holder] : []);
      }),
    );
  });

  it('the newest limit is in force, in whatever order the requests arrive', () => {
    const requests = fc.uniqueArray(fc.tuple(runId, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 99 })), {
      selector: ([, , asOfMs]) => asOfMs,
      minLength: 1,
    });
    fc.assert(
      fc.property(requests, (all) => {
        const newest = [...all].sort(([, , a], [, , b]) => b - a)[0];
        assert.equal(endOf(all.map((args) => request(...args))).limit.max, newest?.[1]);
      }),
    );
  });
});

describe('permit table', () => {
  it('a smaller limit takes no permit away, and lets nobody in before it is kept', () => {
    const table = endOf([request('a', 2), request('b', 2), request('c', 1, 2)]);
    assert.deepEqual([holders(table), waiters(table)], [['a', 'b'], ['c']]);
    const [first, second] = play([release('a'), release('b')], table);
    assert.deepEqual([first?.granted, second?.granted], [[], ['c']]);
  });

  it('a greater limit lets those in who wait', () => {
    const moments = play([request('a', 1), request('b', 1), request('c', 3, 2)]);
    assert.deepEqual(moments.at(-1)?.granted, ['b', 'c']);
  });

  it('beyond its size notes nobody, and goes on; who asks again later gets a place', () => {
    const many = Array.from({ length: PERMIT_ENTRIES_MAX }, (_, index) => request(String(index), 1));
    const full = endOf([...many, request('late', 1)]);
    assert.equal(full.entries.length, PERMIT_ENTRIES_MAX);
    const table = endOf([release('0'), request('late', 1)], full);
    assert.equal(waiters(table).at(-1), 'late');
    assert.deepEqual(holders(table), ['1']);
    const ended = Array.from({ length: PERMITS_FINISHED_MAX + 1 }, (_, index) => release(String(index)));
    assert.equal(endOf(ended, full).finished.length, PERMITS_FINISHED_MAX);
  });

  it('stays below what the server takes as an argument', () => {
    const workflowId = `${'c'.repeat(36)}/memoryblock/${'n'.repeat(63)}/123456`;
    const entry = {
      holder: { workflowId, runId: 'r'.repeat(36) },
      purpose: 'p'.repeat(90),
      sinceMs: 1e12,
      isHeld: false,
    };
    const entries = Array.from({ length: PERMIT_ENTRIES_MAX }, () => entry);
    const finished = Array.from({ length: PERMITS_FINISHED_MAX }, () => 'r'.repeat(36));
    assert.ok(JSON.stringify({ ...EMPTY_PERMIT_TABLE, entries, finished }).length < 2 ** 20);
  });
});

describe('a permit table that knows nothing', () => {
  const limit = { max: 1, asOfMs: 1 };
  const open = (...all: readonly FoundPermit[]): PermitEvent => ({ kind: 'open', found: all, nowMs: 9 });

  it('grants nothing before it is opened, then what is free, to those found first', () => {
    const moments = play(
      [request('c', 1, 1, 5), open(found('b', { isHeld: false, limit, sinceMs: 3 }), found('a', { limit }))],
      EMPTY_PERMIT_TABLE,
    );
    assert.deepEqual(
      moments.map(({ granted }) => granted),
      [[], []],
    );
    const table = moments.at(-1)?.table ?? EMPTY_PERMIT_TABLE;
    assert.deepEqual([holders(table), waiters(table)], [['a'], ['b', 'c']]);
    assert.deepEqual(
      play([release('a'), release('b')], table).map(({ granted }) => granted),
      [['b'], ['c']],
    );
  });

  it('keeps all that hold a permit, and as many that wait as there is room for', () => {
    const many = Array.from({ length: PERMIT_ENTRIES_MAX }, (_, n) =>
      found(String(n), { isHeld: false, limit, sinceMs: n }),
    );
    const { entries } = endOf(
      [request('c', 1), open(...many, found('last', { limit, sinceMs: 1e6 }))],
      EMPTY_PERMIT_TABLE,
    );
    assert.equal(entries.length, PERMIT_ENTRIES_MAX);
    assert.deepEqual([entries.at(-1)?.purpose, entries.at(-2)?.purpose], ['last', String(PERMIT_ENTRIES_MAX - 2)]);
  });

  it('believes who gives back while it is being found out', () => {
    const moments = play(
      [release('a'), open(found('a', { limit }), found('b', { isHeld: false, limit }))],
      EMPTY_PERMIT_TABLE,
    );
    assert.deepEqual(moments.at(-1)?.granted, ['b']);
  });

  it('counts who does not answer as a holder, until it asks for a permit or ends', () => {
    const table = endOf(
      [open(found('silent', {}), found('b', { isHeld: false, limit, sinceMs: 3 }))],
      EMPTY_PERMIT_TABLE,
    );
    assert.deepEqual([holders(table), waiters(table)], [['silent'], ['b']]);
    assert.deepEqual(play([release('silent')], table).at(-1)?.granted, ['b']);
    assert.deepEqual(play([request('silent', 1)], table).at(-1)?.granted, ['silent']);
    const early = endOf([request('silent', 1), open(found('silent', {}))], EMPTY_PERMIT_TABLE);
    assert.deepEqual(
      early.entries.map(({ isPresumed }) => isPresumed),
      [undefined],
    );
  });
});
