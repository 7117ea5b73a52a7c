import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockDenied, LockGranted, LockMessage, ReleaseLockInput } from '../../src/contract/locks.ts';
import type { PermitMessage } from '../../src/contract/offline-permits.ts';
import {
  readLockDenied,
  readLockGranted,
  readLockMessage,
  readReleaseLock,
} from '../../src/contract/read-lock-message.ts';
import { readPermitGranted, readPermitMessage } from '../../src/contract/read-permit-message.ts';
import { ERRNO, type Errno } from '../../src/kernel/errno.ts';

const READERS: Readonly<Record<string, (value: unknown) => object>> = {
  readLockDenied,
  readLockGranted,
  readLockMessage,
  readPermitGranted,
  readPermitMessage,
  readReleaseLock,
};

const words = fc.string({ maxLength: 40 });
const name = fc.constantFrom('device_hotplug_lock', 'mem_hotplug_lock', 'device_lock/memory32');
const holder = fc.record({
  workflowId: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme-ascii' }),
  runId: fc.uuid(),
});
const wanted = fc.record({ name, mode: fc.constantFrom('read', 'write') });
const held = fc.record({ name, mode: fc.constantFrom('read', 'write'), token: fc.nat(), sinceMs: fc.nat() });
const some = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });
const sparse = { requiredKeys: [] };

const lockMessage: fc.Arbitrary<LockMessage> = fc.record(
  {
    holder,
    purpose: words,
    release: some(fc.record({ id: words, names: some(name) }, { requiredKeys: ['id'] })),
    request: fc.record(
      {
        id: words,
        locks: some(wanted),
        timeoutMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
        tryLock: fc.boolean(),
        causedBy: words,
      },
      { requiredKeys: ['id', 'locks'] },
    ),
    suspect: fc.record({ id: words, reason: words }, { requiredKeys: ['id'] }),
  },
  { requiredKeys: ['holder', 'purpose'] },
);
const lockGranted: fc.Arbitrary<LockGranted> = fc.record({ id: words, grants: some(held) });
const link = fc.tuple(holder, fc.record({ purpose: words, holds: some(name), waitsFor: name }));
const lockDenied: fc.Arbitrary<LockDenied> = fc.record(
  {
    id: words,
    errno: fc.constantFrom(...(Object.keys(ERRNO) as Errno[])),
    message: words,
    cycle: some(link.map(([who, what]) => ({ ...who, ...what }))),
  },
  { requiredKeys: ['id', 'errno', 'message'] },
);
const releaseLock: fc.Arbitrary<ReleaseLockInput> = fc.record({
  lock: name,
  token: fc.nat(),
  by: words,
  reason: words,
  isUnsafe: fc.boolean(),
});
const limit = fc.record({ max: fc.nat(), asOfMs: fc.nat() });
const permitMessage: fc.Arbitrary<PermitMessage> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), request: fc.record({ holder, purpose: words, limit }) }),
  fc.record({ kind: fc.constant('release' as const), holder }),
);

const MESSAGES: readonly (readonly [(value: unknown) => object, fc.Arbitrary<object>])[] = [
  [readLockMessage, lockMessage],
  [readLockGranted, lockGranted],
  [readLockDenied, lockDenied],
  [readReleaseLock, releaseLock],
  [readPermitMessage, permitMessage],
  [readPermitGranted, fc.record({ runId: fc.uuid() })],
];

/** Values that have the right fields with the wrong things in them. */
const nearly = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom<unknown>('request', 'release', 'read', 'write', 'EBUSY', Number.NaN, -1, '\ud800', undefined),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.record(
      Object.fromEntries(
        [
          'holder',
          'request',
          'release',
          'suspect',
          'workflowId',
          'runId',
          'purpose',
          'id',
          'locks',
          'names',
          'kind',
          'limit',
          'max',
        ]
          .concat(['grants', 'errno', 'message', 'cycle', 'lock', 'token', '__proto__', 'unreadable'])
          .map((key) => [key, tie('tree')]),
      ),
      sparse,
    ),
  ),
})).tree;

describe('a message that another workflow, or anybody, has sent', () => {
  it('never makes its reader throw, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), nearly), (value) => {
        for (const read of Object.values(READERS)) assert.equal(typeof read(value), 'object');
      }),
    );
  });

  it('is what was sent, also with null for what is unset, and without what is unknown', () => {
    for (const [read, arbitrary] of MESSAGES) {
      fc.assert(
        fc.property(arbitrary, (message) => {
          const sent: unknown = JSON.parse(JSON.stringify(message));
          assert.deepEqual(read({ ...(sent as object), more: 1 }), sent);
        }),
      );
    }
    const { holder: who, purpose } = fc.sample(lockMessage, { numRuns: 1, seed: 1 })[0]!;
    const unset = { holder: who, purpose, release: null, request: null, suspect: undefined };
    assert.deepEqual(readLockMessage(unset), { holder: who, purpose });
  });

  it('is not understood where a field that must be there is not', () => {
    for (const [read, arbitrary] of MESSAGES) {
      fc.assert(
        fc.property(arbitrary, fc.nat(), (message, at) => {
          const required = Object.keys(message).filter(
            (key) => !['release', 'request', 'suspect', 'cycle'].includes(key),
          );
          const missing = required[at % required.length]!;
          const rest = Object.fromEntries(Object.entries(message).filter(([key]) => key !== missing));
          assert.ok('malformed' in read(rest), missing);
        }),
      );
    }
  });

  it('names what is wrong', () => {
    const read = readLockMessage({ holder: { workflowId: 'w', runId: 'r' }, purpose: 'p' });
    assert.deepEqual(read, { malformed: 'holder.runId must be a run id' });
  });

  it('is from nobody whom the server would not let be signalled', () => {
    const runId = '01a206a5-5d38-7d3d-90b7-aa0400ae7955';
    const isKnown = (workflowId: string) =>
      !('malformed' in readLockMessage({ holder: { workflowId, runId }, purpose: '' }));
    assert.deepEqual(
      ['', 'x'.repeat(1000), 'x'.repeat(1001), 'ä'.repeat(500), 'ä'.repeat(501), '\udc00'].map(isKnown),
      [...[false, true, false], ...[true, false, false]],
    );
  });
});
