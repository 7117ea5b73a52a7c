/** The checker, on histories written by hand: what it must accept, and what it must not. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import type { LockMode } from '../../src/kernel/lock.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { writeHistory, type HistoryRecord } from './history.ts';

type Interval = readonly [call: number, end: number | null];

/** Client 1 is `c1`; each has the lock once. */
function about(client: number, [call, end]: Interval, lock = 'M') {
  return { client, hold: `c${String(client)}`, node: 'n', lock, call, return: end } as const;
}

function acquire(client: number, mode: LockMode, when: Interval, token?: number, lock?: string): HistoryRecord {
  const result = token === undefined ? 'unknown' : 'granted';
  return { op: 'acquire', ...about(client, when, lock), mode, result, ...(token === undefined ? {} : { token }) };
}

function release(client: number, when: Interval): HistoryRecord {
  return { op: 'release', ...about(client, when) };
}

function use(
  client: number,
  when: Interval,
  token: number,
  result: 'accepted' | 'refused' = 'accepted',
): HistoryRecord {
  return { op: 'use', ...about(client, when), token, result };
}

function renew(client: number, when: Interval, token: number): HistoryRecord {
  return { op: 'renew', ...about(client, when), token };
}

describe('the checker of lock histories', () => {
  let directory: string;

  before(async function () {
    this.timeout(120_000); // where it must be built first
    await acquireTools(['lock-checker']);
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-checker-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function check(history: readonly HistoryRecord[], limitS = 10): Promise<Verdict> {
    const file = path.join(directory, 'history.jsonl');
    await writeHistory(file, history);
    return checkHistory({ history: file, html: path.join(directory, 'picture.html'), limitS });
  }

  const good: Readonly<Record<string, readonly HistoryRecord[]>> = {
    'nothing at all': [],
    'readers side by side': [
      acquire(1, 'read', [10, 20], 1),
      acquire(2, 'read', [11, 21], 2),
      use(1, [30, 50], 1),
      use(2, [31, 51], 2),
    ],
    'a writer whose predecessor has released': [
      acquire(1, 'write', [10, 20], 1),
      use(1, [21, 30], 1),
      release(1, [31, 40]),
      acquire(2, 'write', [15, 36], 2),
      use(2, [37, 50], 2),
    ],
    'a release whose end nobody saw': [
      acquire(1, 'write', [10, 20], 1),
      release(1, [31, null]),
      acquire(2, 'write', [90, 99], 2),
    ],
    'a holder that was terminated, and whose last step came too late': [
      acquire(1, 'write', [10, 20], 1),
      use(1, [21, 30], 1),
      release(1, [25, null]),
      acquire(2, 'write', [15, 40], 2),
      use(1, [45, 45], 1, 'refused'),
    ],
    'a grant that was seen only after its holder had been terminated': [
      acquire(1, 'write', [10, 40], 1),
      release(1, [20, null]),
      acquire(2, 'write', [15, 35], 2),
      use(2, [36, 38], 2),
      use(1, [41, 41], 1, 'refused'),
    ],
    'a waiter of whom nothing is known': [acquire(1, 'write', [10, null]), acquire(2, 'write', [11, 20], 2)],
    'a renewed token': [
      acquire(1, 'write', [10, 20], 1),
      renew(1, [21, 40], 2 ** 31 + 1),
      use(1, [41, 50], 2 ** 31 + 1),
    ],
  };
  for (const [what, history] of Object.entries(good)) {
    it(`accepts ${what}`, async () => {
      const { verdict, violations } = await check(history);
      assert.equal(verdict, 'linearizable', violations.join('; '));
    });
  }

  const bad: Readonly<Record<string, { history: readonly HistoryRecord[]; says: RegExp }>> = {
    'two writers at once': {
      history: [acquire(1, 'write', [10, 20], 1), acquire(2, 'write', [30, 40], 2), use(1, [50, 60], 1)],
      says: /write c2 → 0\.2; no order of the \d steps.*write c1/,
    },
    'a writer beside a reader': {
      history: [acquire(1, 'read', [10, 20], 1), acquire(2, 'write', [30, 40], 2), release(1, [50, 60])],
      says: /write c2/,
    },
    'a reader beside a writer': {
      history: [acquire(1, 'write', [10, 20], 1), acquire(2, 'read', [30, 40], 2), release(1, [50, 60])],
      says: /read c2/,
    },
    'a step of a terminated holder that was accepted after the lock had passed on': {
      history: [
        acquire(1, 'write', [10, 20], 1),
        release(1, [25, null]),
        acquire(2, 'write', [15, 40], 2),
        use(2, [41, 42], 2),
        use(1, [45, 46], 1),
      ],
      says: /step of c1 begins/,
    },
    'a step that was still under way when the lock had passed on': {
      history: [
        acquire(1, 'write', [10, 20], 1),
        use(1, [21, 60], 1),
        release(1, [25, null]),
        acquire(2, 'write', [15, 40], 2),
      ],
      says: /step of c1 ends/,
    },
    'a step of a living holder that was refused': {
      history: [acquire(1, 'write', [10, 20], 1), use(1, [30, 30], 1, 'refused')],
      says: /step of c1 is refused/,
    },
    'a token that was given out twice, for two locks': {
      history: [acquire(1, 'write', [10, 20], 7, 'D'), acquire(2, 'write', [10, 20], 7, 'M')],
      says: /token 0\.7 was given out twice/,
    },
    'tokens of a node that decrease from one lock to the next': {
      history: [acquire(1, 'write', [10, 20], 7, 'D'), acquire(2, 'write', [30, 40], 6, 'M')],
      says: /tokens decrease: c1 \(D\) got 0\.7, and only later c2 \(M\) asked and got 0\.6/,
    },
    'a lock whose tokens decrease': {
      history: [acquire(1, 'write', [10, 20], 7), release(1, [25, 30]), acquire(2, 'write', [40, 50], 6)],
      says: /write c2 → 0\.6; no order/,
    },
    'a renewed token that is smaller': {
      history: [acquire(1, 'write', [10, 20], 7), renew(1, [30, 40], 6)],
      says: /c1 → 0\.6; no order/,
    },
  };
  for (const [what, { history, says }] of Object.entries(bad)) {
    it(`refuses ${what}, and says so`, async () => {
      const { verdict, violations } = await check(history);
      assert.equal(verdict, 'not linearizable');
      assert.match(violations.join('\n'), says);
    });
  }

  it('draws a picture', async () => {
    await check(good['readers side by side'] ?? []);
    assert.match(await readFile(path.join(directory, 'picture.html'), 'utf8'), /<html/);
  });

  it('counts what overlaps with another client on the same lock', async () => {
    const { counted, overlapping } = await check([
      acquire(1, 'write', [10, 20], 1),
      release(1, [30, 40]),
      acquire(2, 'write', [35, 50], 2),
      acquire(3, 'write', [10, 50], 3, 'other'),
      acquire(4, 'write', [11, null]),
    ]);
    assert.deepEqual({ counted, overlapping }, { counted: 4, overlapping: 2 });
  });

  it('gives up in time, and says what to do', async () => {
    // Readers that all overlap may come in many orders, and no order helps: after them a step of nobody is accepted.
    const readers = Array.from({ length: 40 }, (_, index) => acquire(index, 'read', [index, 1_000], index + 1));
    const { verdict, violations } = await check([...readers, use(99, [2_000, 2_001], 1)], 1);
    assert.equal(verdict, 'undecided');
    assert.match(violations.join('\n'), /did not end within 1s: check a shorter history/);
  });

  it('refuses a history that is none', async () => {
    const broken = [{ ...acquire(1, 'write', [20, 10], 1) }];
    await assert.rejects(check(broken), /line 1: acquire returns before it is called/);
  });
});
