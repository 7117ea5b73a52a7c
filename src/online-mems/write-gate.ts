/**
 * The writer's side of `getOnlineMems`, one per node: keeps readers out while memory changes. Held for one token of
 * mem_hotplug_lock at a time; it is this process that holds it, so a restarted agent has to drain the node again.
 *
 * A process that does a write for the agent is handed `descriptors`. The gate is opened by closing them, never by unlocking:
 * it stays shut for as long as such a process lives, whatever becomes of the agent and whatever the agent believes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { OnlineMemsReader } from '../contract/activities.ts';
import { tryFlock, unlock } from './flock.ts';
import { flockHolders } from './flock-holders.ts';
import { closeGateFiles, createGateFiles, type GateFiles } from './gate-files.ts';

/** The run that writes, by its grant of mem_hotplug_lock. */
export interface Writer {
  readonly token: number;
  readonly runId: string;
}

export type WriteGateVerdict =
  | { readonly kind: 'begun' }
  | { readonly kind: 'stale'; readonly message: string }
  /** Given up by the caller; the turnstile stays closed. `readers` may be one that writes: then it is not ours yet. */
  | { readonly kind: 'waiting'; readonly readers: readonly OnlineMemsReader[] };

export interface WriteGateOptions {
  readonly directory: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Looked at after each attempt; true ends the wait with `waiting`. */
export type GiveUp = (readers: readonly OnlineMemsReader[]) => boolean;

/** Readers pass the turnstile within microseconds: a few attempts in a row find the moment between two of them. */
const TURNSTILE_ATTEMPTS = 64;
const POLL_MS_MAX = 25;
/** A look reads /proc/locks, and may have to search all processes. */
const LOOK_MS = 1_000;

export class WriteGate {
  readonly #directory: string;
  readonly #now: () => number;
  #files: GateFiles;
  #writer: Writer | undefined;
  /** Tokens up to this one have ended their write, or were settled. */
  #ended = 0;
  #holdsTurnstile = false;
  #holdsLock = false;
  /** A process that writes for an agent that has gone keeps the gate shut. */
  #isShutByOther = false;
  #readers: readonly OnlineMemsReader[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor({ directory, now = Date.now }: WriteGateOptions) {
    this.#directory = directory;
    this.#files = createGateFiles(directory);
    this.#now = now;
  }

  /** What a process that writes inherits; undefined while the gate is open, or not yet shut. */
  get descriptors(): readonly number[] | undefined {
    return this.#holdsLock ? [this.#files.turnstile, this.#files.lock] : undefined;
  }

  /**
   * Closes the turnstile and waits until every reader has left, or `giveUp` says so. The gate then stays closed for
   * `writer` until `end`, `settle` or a greater token. A smaller token than that of the present writer is stale.
   */
  async begin(writer: Writer, giveUp: GiveUp = () => false): Promise<WriteGateVerdict> {
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, POLL_MS_MAX)) {
      const stale = this.#staleness(writer);
      if (stale !== undefined) return { kind: 'stale', message: stale };
      this.#writer = writer;
      if (this.#drain()) return { kind: 'begun' };
      const readers = this.#look();
      if (giveUp(readers)) return { kind: 'waiting', readers };
      await delay(pauseMs);
    }
  }

  /** Lets readers in again, if `runId` is the writer and `token`, where given, not an earlier one of that run. */
  end(runId: string, token = Number.POSITIVE_INFINITY): void {
    if (this.#writer?.runId === runId && this.#writer.token <= token) this.#end(this.#writer.token);
  }

  /** Tokens up to `token` are stale from now on; who waits with one gives up. Readers stay out until `openStale`. */
  refuse(token: number): void {
    this.#ended = Math.max(this.#ended, token);
  }

  /** Lets readers in again if the writer's token has been refused. */
  openStale(): void {
    if (this.#writer && this.#writer.token <= this.#ended) this.#end(this.#writer.token);
  }

  /** For good: numbers of closed descriptors are soon those of other files, so nothing touches them again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#holdsLock = this.#holdsTurnstile = false;
    closeGateFiles(this.#files);
  }

  #end(token: number): void {
    if (this.#isClosed) return;
    this.refuse(token);
    this.#writer = undefined;
    this.#readers = [];
    if (!this.#holdsTurnstile) return;
    closeGateFiles(this.#files);
    this.#holdsLock = this.#holdsTurnstile = false;
    this.#files = createGateFiles(this.#directory);
  }

  #staleness({ token, runId }: Writer): string | undefined {
    if (this.#isClosed) throw new Error('the agent lets go of the node; the next one goes on');
    if (token <= this.#ended) return `token ${String(token)} of mem_hotplug_lock has ended its write, or was settled`;
    const present = this.#writer;
    const isOvertaken = present && (token < present.token || (token === present.token && runId !== present.runId));
    if (!isOvertaken) return undefined;
    return `token ${String(token)} of mem_hotplug_lock: run ${present.runId} writes with ${String(present.token)}`;
  }

  #drain(): boolean {
    for (let attempt = 0; !this.#holdsTurnstile && attempt < TURNSTILE_ATTEMPTS; attempt++) {
      this.#holdsTurnstile = tryFlock(this.#files.turnstile, 'exclusive');
    }
    this.#isShutByOther = !this.#holdsTurnstile && !this.#isPassable();
    if (this.#holdsTurnstile) this.#holdsLock ||= tryFlock(this.#files.lock, 'exclusive');
    return this.#holdsLock;
  }

  /** Only a writer takes LOCK_EX of the turnstile. */
  #isPassable(): boolean {
    const { turnstile } = this.#files;
    if (!tryFlock(turnstile, 'shared')) return false;
    unlock(turnstile);
    return true;
  }

  /** Who is inside, or in the turnstile. */
  #look(): readonly OnlineMemsReader[] {
    const nowMs = this.#now();
    const role = this.#isShutByOther ? { writes: true as const } : {};
    const isFresh = nowMs - this.#lookedAtMs < LOOK_MS && this.#readers[0]?.writes === role.writes;
    if (isFresh && this.#readers.length > 0) return this.#readers;
    this.#lookedAtMs = nowMs;
    const since = new Date(nowMs).toISOString();
    const holders = flockHolders(this.#holdsTurnstile ? this.#files.lock : this.#files.turnstile);
    this.#readers = holders.map((holder) => {
      const known = this.#readers.find(({ pid, command }) => pid === holder.pid && command === holder.command);
      return { ...holder, since: known?.since ?? since, ...role };
    });
    return this.#readers;
  }
}
