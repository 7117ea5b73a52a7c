/**
 * The requester's side of the node's locks, for one workflow run. The order in which locks are asked for is the
 * caller's: it is the kernel's order that each operation spells out.
 */
import { condition, defineSignal, proxyLocalActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LockActivities } from '../src/contract/activities.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  type LockDenied,
  type LockGranted,
  type LockMessage,
  type LockRelease,
} from '../src/contract/locks.ts';
import type { HeldLock, LockName, WantedLock } from '../src/kernel/lock-request.ts';

const lockGranted = defineSignal<[LockGranted]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[LockDenied]>(LOCK_DENIED_SIGNAL);

const { takeLocks, releaseLocks } = proxyLocalActivities<LockActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});

/** A granted request: the handle that `release` takes. */
export interface Taken {
  readonly kind: 'taken';
  readonly id: string;
  readonly locks: readonly HeldLock[];
}

/** Why there is no grant; everything that the request held has been given back. */
export interface Refused extends Omit<LockDenied, 'id'> {
  readonly kind: 'refused';
}

export interface LockClientOptions {
  readonly cluster: string;
  readonly node: string;
  readonly purpose: string;
  readonly timeoutMs: number;
  /** Looked at while waiting for the first locks: a cancelled operation that holds nothing withdraws its request. */
  readonly isCancelled: () => boolean;
}

export class LockClient {
  private readonly options: LockClientOptions;
  private readonly answers = new Map<string, LockGranted | LockDenied>();
  private readonly taken = new Map<string, HeldLock[]>();
  private sequence = 0;

  constructor(options: LockClientOptions) {
    this.options = options;
    setHandler(lockGranted, (grant) => void this.answers.set(grant.id, grant), {
      description: 'All locks of a request are held; sent by the lock entity of the node',
    });
    setHandler(lockDenied, (denial) => void this.answers.set(denial.id, denial), {
      description: 'A request for locks was refused and nothing of it is held; sent by the lock entity of the node',
    });
  }

  /** Token of every lock that is held now. */
  get tokens(): Readonly<Record<LockName, number>> {
    return Object.fromEntries([...this.taken.values()].flat().map((lock) => [lock.name, lock.token]));
  }

  /** Takes `locks` one after the other, holding while waiting. Returns when all are held or the request is refused. */
  async take(...locks: readonly WantedLock[]): Promise<Taken | Refused> {
    const { runId } = workflowInfo();
    const id = `${runId}/${String(++this.sequence)}`;
    const { timeoutMs, isCancelled } = this.options;
    await this.send({ request: { id, locks, timeoutMs } }, `take ${locks.map(describe).join(' → ')}`);
    // Whoever holds locks already is past the point where cancelling means giving way.
    const holdsNothing = this.taken.size === 0;
    await condition(() => this.answers.has(id) || (holdsNothing && isCancelled()));
    const answer = this.answers.get(id);
    if (!answer) {
      await this.send({ release: [{ id }] }, 'withdraw the request for locks: cancelled');
      return { kind: 'refused', errno: 'ECANCELED', message: 'cancelled while waiting for locks' };
    }
    if ('errno' in answer) return { ...answer, kind: 'refused' };
    this.taken.set(id, [...answer.grants]);
    return { kind: 'taken', id, locks: answer.grants };
  }

  /** Gives back what is still held of `taken`, or only the locks named; tells what that was. */
  async release(taken: Taken, ...names: LockName[]): Promise<readonly LockName[]> {
    const held = this.taken.get(taken.id) ?? [];
    const released = names.length === 0 ? held : held.filter((lock) => names.includes(lock.name));
    await this.releaseMany([{ id: taken.id, ...(names.length === 0 ? {} : { names }) }], released);
    return released.map((lock) => lock.name);
  }

  /** Gives back everything, the locks taken last first, and tells what that was. */
  async releaseAll(): Promise<readonly LockName[]> {
    const held = [...this.taken].reverse();
    const locks = held.flatMap(([, taken]) => [...taken].reverse());
    if (held.length > 0)
      await this.releaseMany(
        held.map(([id]) => ({ id })),
        locks,
      );
    return locks.map((lock) => lock.name);
  }

  private async releaseMany(releases: readonly LockRelease[], released: readonly HeldLock[]): Promise<void> {
    await this.send({ release: releases }, `release ${released.map(({ name }) => name).join(', ')}`);
    for (const { id, names } of releases) {
      const kept = names ? (this.taken.get(id) ?? []).filter((lock) => !names.includes(lock.name)) : [];
      if (kept.length > 0) this.taken.set(id, kept);
      else this.taken.delete(id);
    }
  }

  private async send(message: Omit<LockMessage, 'holder' | 'purpose'>, summary: string): Promise<void> {
    const { workflowId, runId } = workflowInfo();
    const { cluster, node, purpose } = this.options;
    const full: LockMessage = { holder: { workflowId, runId }, purpose, ...message };
    const activity = message.request ? takeLocks : releaseLocks;
    await activity.executeWithOptions({ summary }, [{ cluster, node, message: full }]);
  }
}

function describe(lock: WantedLock): string {
  return lock.mode === 'read' ? `${lock.name}:r` : lock.name;
}
