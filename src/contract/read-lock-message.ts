/** The messages of the lock service, read from whatever was sent. See read-message.ts. */
import { ERRNO, type Errno } from '../kernel/errno.ts';
import { LOCKS_MAX, REQUESTS_MAX } from '../kernel/lock-refusal.ts';
import type { HeldLock, WantedLock } from '../kernel/lock.ts';
import type { WaitForLink } from '../kernel/lock-request.ts';
import type {
  LockDenied,
  LockGranted,
  LockMessage,
  LockRelease,
  LockRequest,
  RefusedToken,
  ReleaseLockInput,
  SuspectedHolder,
} from './locks.ts';
import {
  amount,
  count,
  fields,
  flag,
  holder,
  list,
  oneOf,
  optional,
  text,
  understood,
  type Malformed,
} from './read-message.ts';

/** A UUID has 36. Remembered after their end, FINISHED_MAX of these are 128 KiB of what a run carries on. */
const ID_LENGTH_MAX = 256;
/** No sentence is so long. */
const TEXT_LENGTH_MAX = 4_096;
/** A cycle in words names every lock that its participants hold. */
const MESSAGE_LENGTH_MAX = 2 ** 20;

const id = text(ID_LENGTH_MAX);
const words = text(TEXT_LENGTH_MAX);
const errno = oneOf(...(Object.keys(ERRNO) as Errno[]));
const names = list(words, LOCKS_MAX);

/** Limits beyond which a request is refused, and the requester told, are the lock table's own. */
export function readLockMessage(value: unknown): LockMessage | Malformed {
  return understood(value, (sent, it) => {
    const from = fields(sent, it);
    return {
      holder: holder(from['holder'], 'holder'),
      purpose: words(from['purpose'], 'purpose'),
      ...optional(from, 'release', list(release, REQUESTS_MAX)),
      ...optional(from, 'request', request),
      ...optional(from, 'suspect', suspect),
    };
  });
}

export function readLockGranted(value: unknown): LockGranted | Malformed {
  return understood(value, (sent, it) => {
    const from = fields(sent, it);
    return { id: id(from['id'], 'id'), grants: list(heldLock, LOCKS_MAX)(from['grants'], 'grants') };
  });
}

export function readLockDenied(value: unknown): LockDenied | Malformed {
  return understood(value, (sent, it) => {
    const from = fields(sent, it);
    return {
      id: id(from['id'], 'id'),
      errno: errno(from['errno'], 'errno'),
      message: text(MESSAGE_LENGTH_MAX)(from['message'], 'message'),
      ...optional(from, 'cycle', list(waitForLink, REQUESTS_MAX)),
    };
  });
}

export function readReleaseLock(value: unknown): ReleaseLockInput | Malformed {
  return understood(value, (sent, it) => {
    const from = fields(sent, it);
    return {
      lock: words(from['lock'], 'lock'),
      token: count(from['token'], 'token'),
      by: words(from['by'], 'by'),
      reason: words(from['reason'], 'reason'),
      isUnsafe: flag(from['isUnsafe'], 'isUnsafe'),
    };
  });
}

function release(value: unknown, name: string): LockRelease {
  const from = fields(value, name);
  return {
    id: id(from['id'], `id of ${name}`),
    ...optional(from, 'names', names),
    ...optional(from, 'refused', refusedToken),
  };
}

function refusedToken(value: unknown, name: string): RefusedToken {
  const from = fields(value, name);
  return { name: words(from['name'], `name of ${name}`), token: count(from['token'], `token of ${name}`) };
}

function request(value: unknown, name: string): LockRequest {
  const from = fields(value, name);
  return {
    id: id(from['id'], `id of ${name}`),
    locks: list(wantedLock, LOCKS_MAX)(from['locks'], 'locks'),
    ...optional(from, 'timeoutMs', amount),
    ...optional(from, 'tryLock', flag),
    ...optional(from, 'causedBy', words),
  };
}

function suspect(value: unknown, name: string): SuspectedHolder {
  const from = fields(value, name);
  return { id: id(from['id'], `id of ${name}`), ...optional(from, 'reason', words) };
}

function wantedLock(value: unknown, name: string): WantedLock {
  const from = fields(value, name);
  return { name: words(from['name'], `name of ${name}`), mode: oneOf('read', 'write')(from['mode'], 'mode') };
}

function heldLock(value: unknown, name: string): HeldLock {
  const { token, sinceMs } = fields(value, name);
  return { ...wantedLock(value, name), token: count(token, 'token'), sinceMs: count(sinceMs, 'sinceMs') };
}

function waitForLink(value: unknown, name: string): WaitForLink {
  const from = fields(value, name);
  return {
    ...holder(value, name),
    purpose: words(from['purpose'], 'purpose'),
    holds: names(from['holds'], 'holds'),
    waitsFor: words(from['waitsFor'], 'waitsFor'),
  };
}
