import assert from 'node:assert/strict';
import { BROKEN_REDUCERS } from '../support/broken-reducers.ts';
import { exploreLocks } from '../support/explore-locks.ts';
import { D, L, M, MR } from '../support/lock-play.ts';
import { BrokenPromise } from '../support/lock-promises.ts';
import type { Faults, Step } from '../support/lock-world.ts';

const NO_FAULTS: Faults = { doubled: 0, terminated: 0, lost: 0, cancelled: 0 };

/** What each run does, in order. */
const SCRIPTS = {
  'add and online without D, one lock after the other': [
    [{ take: [M] }, { take: [L] }],
    [{ take: [L] }, { take: [M] }],
  ],
  'an online that drops M early, a writer and a reader of M': [
    [{ take: [D, L, M] }, { give: [M.name], of: 0 }],
    [{ take: [D, M] }],
    [{ take: [MR] }],
  ],
  'a nested reader, a writer and a reader': [[{ take: [MR] }, { take: [MR] }], [{ take: [M] }], [{ take: [MR] }]],
  'a ring of three': [
    [{ take: [D] }, { take: [L] }],
    [{ take: [L] }, { take: [M] }],
    [{ take: [M] }, { take: [D] }],
  ],
  'a trylock, a deadline, and a plugin that asks for what its operation holds': [
    [{ take: [D, M] }],
    [{ take: [D, L], isTimed: true }],
    [
      { take: [M], tryLock: true },
      { take: [D], causedBy: '0' },
    ],
  ],
  'a list that closes a cycle only when it advances': [
    [{ take: [D] }],
    [{ take: [M] }, { take: [D, L] }],
    [{ take: [L] }, { take: [M] }],
  ],
  'one run after another, and each again': [[{ take: [D] }, { give: [D.name], of: 0 }, { take: [D] }], [{ take: [D] }]],
} as const satisfies Readonly<Record<string, readonly (readonly Step[])[]>>;

type Title = keyof typeof SCRIPTS;

/** Together some seconds; MEMHP_EXPLORE=large visits some millions of states in a few minutes. */
const SCOPES: readonly (readonly [Title, Partial<Faults>])[] = [
  ['add and online without D, one lock after the other', { doubled: 1, terminated: 1 }],
  ['add and online without D, one lock after the other', { terminated: 1, lost: 1 }],
  ['an online that drops M early, a writer and a reader of M', { doubled: 1, cancelled: 1 }],
  ['an online that drops M early, a writer and a reader of M', { lost: 1 }],
  ['an online that drops M early, a writer and a reader of M', { terminated: 1 }],
  ['a nested reader, a writer and a reader', { terminated: 1 }],
  ['a nested reader, a writer and a reader', { lost: 1 }],
  ['a ring of three', { doubled: 1 }],
  ['a list that closes a cycle only when it advances', { cancelled: 1 }],
  ['a trylock, a deadline, and a plugin that asks for what its operation holds', { terminated: 1 }],
  ['a trylock, a deadline, and a plugin that asks for what its operation holds', { lost: 1 }],
  ['one run after another, and each again', { doubled: 1, lost: 1 }],
  ['one run after another, and each again', { terminated: 1, lost: 1 }],
];
const LARGE_SCOPES: typeof SCOPES = (Object.keys(SCRIPTS) as Title[]).flatMap((title) => [
  [title, { doubled: 1, terminated: 1 }] as const,
  [title, { terminated: 1, lost: 1 }] as const,
  [title, { cancelled: 1, lost: 1 }] as const,
]);

const scopes = process.env['MEMHP_EXPLORE'] === 'large' ? LARGE_SCOPES : SCOPES;

function nameOf(faults: Partial<Faults>): string {
  return Object.entries(faults)
    .map(([kind, count]) => `${String(count)} ${kind}`)
    .join(', ');
}

describe('lock table, all interleavings', function () {
  if (scopes === LARGE_SCOPES) this.timeout(0);

  for (const [title, faults] of scopes) {
    it(`${title} (${nameOf(faults)})`, function () {
      const { states, moves, ends } = exploreLocks(SCRIPTS[title], { ...NO_FAULTS, ...faults });
      assert.ok(ends > 0, 'no run ever ended');
      this.test!.title += `: ${String(states)} states, ${String(moves)} moves, ${String(ends)} ends`;
    });
  }
});

describe('a broken lock table', () => {
  const symptoms: Readonly<Record<string, readonly [Title, Partial<Faults>, RegExp]>> = {
    'grants a lock that is held': ['one run after another, and each again', {}, /is held by/],
    'lets a reader overtake a waiting writer': ['a nested reader, a writer and a reader', {}, /had come earlier/],
    'uses tokens again after it was created anew': [
      'one run after another, and each again',
      { lost: 1 },
      /the token of device_hotplug_lock has not grown/,
    ],
    'honours a release of something that was released before': [
      'one run after another, and each again',
      { doubled: 1 },
      /both work under device_hotplug_lock/,
    ],
    'does not look who waits when a lock is given back': [
      'one run after another, and each again',
      {},
      /waits for a lock that it could have/,
    ],
    'looks for cycles only when a request arrives': [
      'a list that closes a cycle only when it advances',
      {},
      /waits in a cycle/,
    ],
    'frees what a closed run holds before it is settled': [
      'one run after another, and each again',
      { terminated: 1 },
      /both work under device_hotplug_lock/,
    ],
    'forgets grants when it is rebuilt': [
      'one run after another, and each again',
      { lost: 1 },
      /both work under device_hotplug_lock/,
    ],
    'believes that a denial has arrived because it was sent': [
      'add and online without D, one lock after the other',
      { lost: 1 },
      /go on for ever/,
    ],
    'forgets who waits when it is rebuilt': ['one run after another, and each again', { lost: 1 }, /go on for ever/],
  };

  for (const [title, reducer] of Object.entries(BROKEN_REDUCERS)) {
    it(`is found when it ${title}`, () => {
      const [scripts, faults, message] = symptoms[title]!;
      assert.throws(
        () => exploreLocks(SCRIPTS[scripts], { ...NO_FAULTS, ...faults }, reducer),
        (error: unknown) => error instanceof BrokenPromise && message.test(error.message),
      );
    });
  }
});
