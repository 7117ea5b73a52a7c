/** A lock table with a memory: plays events and keeps every effect. */
import type { LockTable } from '../../src/kernel/lock-queue.ts';
import type { LockEffect, LockEventBody, LockRequested } from '../../src/kernel/lock-request.ts';
import type { WantedLock } from '../../src/kernel/lock.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE } from '../../src/kernel/lock-table.ts';

export const D: WantedLock = { name: 'device_hotplug_lock', mode: 'write' };
export const M: WantedLock = { name: 'mem_hotplug_lock', mode: 'write' };
export const MR: WantedLock = { name: 'mem_hotplug_lock', mode: 'read' };
export const L: WantedLock = { name: 'device_lock/memory32', mode: 'write' };

export class LockPlay {
  table: LockTable = EMPTY_LOCK_TABLE;
  nowMs = 0;
  readonly effects: LockEffect[] = [];

  /** A table that grants. */
  static opened(): LockPlay {
    const play = new LockPlay();
    play.send({ kind: 'open', epoch: 1 });
    return play;
  }

  send(event: LockEventBody): readonly LockEffect[] {
    const { table, effects } = applyLockEvent(this.table, { ...event, nowMs: this.nowMs });
    this.table = table;
    this.effects.push(...effects);
    return effects;
  }

  /** A request of the run that `id` begins with: `run/number`. */
  request(id: string, ...locks: WantedLock[]): readonly LockEffect[] {
    return this.requestWith(id, {}, ...locks);
  }

  requestWith(
    id: string,
    how: Partial<Pick<LockRequested, 'causedBy' | 'deadlineMs' | 'tryLock'>>,
    ...locks: WantedLock[]
  ): readonly LockEffect[] {
    return this.send(requestOf(id, locks, how));
  }

  release(id: string, ...names: string[]): readonly LockEffect[] {
    return this.send({ kind: 'release', id, ...(names.length > 0 ? { names } : {}) });
  }
}

export function requestOf(
  id: string,
  locks: readonly WantedLock[],
  how: Partial<Pick<LockRequested, 'causedBy' | 'deadlineMs' | 'tryLock'>> = {},
): Omit<LockRequested, 'nowMs'> {
  const [runId = id] = id.split('/');
  return { kind: 'request', id, holder: { workflowId: `wf-${runId}`, runId }, purpose: runId, locks, ...how };
}

/** What was answered, as `grant a/1` or `deny a/1 EBUSY`. */
export function answersIn(effects: readonly LockEffect[]): readonly string[] {
  return effects.flatMap((effect) => {
    if (effect.kind === 'grant') return [`${effect.isRenewal ? 'renewal' : 'grant'} ${effect.id}`];
    return effect.kind === 'deny' ? [`deny ${effect.id} ${effect.errno}`] : [];
  });
}
