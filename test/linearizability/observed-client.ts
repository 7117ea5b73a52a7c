/**
 * One run of a client as seen from outside. Invocations are noted before a message can have been sent, returns after the
 * client has shown that it knows of its grant, by a step at the fence: whatever is seen late only widens an interval.
 */
import type { LockMode, LockName } from '../../src/kernel/lock.ts';
import { heldAt, type ClientOutcome, type ScriptStep } from './client-script.ts';
import type { HistoryClock } from './clock.ts';
import type { HistoryRecord } from './history.ts';

interface Hold {
  readonly lock: LockName;
  readonly mode: LockMode;
  readonly call: number;
  /** First seen held, with this token. */
  grant?: { readonly at: number; readonly token: number };
  /** Last seen held, with this token. */
  seen?: { readonly at: number; readonly token: number };
  releaseCall?: number;
  releaseReturn?: number;
}

export interface ObservedClientOptions {
  readonly clock: HistoryClock;
  readonly client: number;
  /** Of this run, unique in the history. */
  readonly name: string;
  readonly node: string;
  readonly steps: readonly ScriptStep[];
}

export class ObservedClient {
  readonly client: number;
  readonly name: string;
  readonly node: string;
  readonly steps: readonly ScriptStep[];
  /** Steps at the fence that are under way. */
  usesUnderWay = 0;
  closedAt: number | undefined;
  /** When the lock service lost all memory of what was held, each time. */
  private readonly losses: number[] = [];
  outcome: ClientOutcome | undefined;
  private readonly clock: HistoryClock;
  private readonly holds = new Map<LockName, Hold>();
  private readonly records: HistoryRecord[] = [];
  /** Index after the last step that has ended. */
  private cursor = 0;
  /** From here on everything may have been given back: a request that comes next may be refused. */
  private mayGiveUpFrom: number | undefined;
  private returned: number | undefined;

  constructor({ clock, client, name, node, steps }: ObservedClientOptions) {
    this.clock = clock;
    this.client = client;
    this.name = name;
    this.node = node;
    this.steps = steps;
    this.goOn(this.clock.now());
  }

  get isHolding(): boolean {
    return this.usesUnderWay > 0;
  }

  get isClosed(): boolean {
    return this.closedAt !== undefined;
  }

  /** Locks asked for and not yet seen held. */
  get waitingFor(): readonly LockName[] {
    return [...this.holds.values()].filter((hold) => !hold.grant).map((hold) => hold.lock);
  }

  get hasEnded(): boolean {
    return this.returned !== undefined;
  }

  /** Write locks held at `step`: those that a driver's fence knows. */
  writeLocksAt(step: number): readonly LockName[] {
    return [...heldAt(this.steps, step)].filter(([, mode]) => mode === 'write').map(([name]) => name);
  }

  /** A step has arrived with `tokens`, and those of `stale` are refused. Returns what to call when it has ended. */
  use(step: number, tokens: Readonly<Record<LockName, number>>, stale: readonly LockName[]): () => void {
    for (const [lock, token] of Object.entries(tokens)) this.see(lock, token);
    if (step >= this.cursor) this.mayGiveUpFrom = undefined;
    for (const hold of this.holds.values()) if (hold.releaseCall !== undefined) hold.releaseReturn ??= this.clock.now();
    const begun = this.clock.now();
    if (stale.length > 0) {
      for (const lock of stale) this.recordUse(lock, tokens[lock] ?? 0, 'refused', begun, begun);
      return () => {
        this.giveUp(this.clock.now());
      };
    }
    this.usesUnderWay += 1;
    return () => {
      const ended = this.clock.now();
      this.usesUnderWay -= 1;
      for (const lock of heldAt(this.steps, step).keys()) {
        if (this.isReaderWithoutLock(lock)) continue;
        this.recordUse(lock, tokens[lock] ?? 0, 'accepted', begun, ended);
      }
      if (step < this.cursor) return;
      this.cursor = step + 1;
      this.goOn(ended);
    };
  }

  /** Somebody is about to end the run from outside. */
  close(): void {
    this.closedAt ??= this.clock.now();
  }

  /** The lock service is about to lose its memory: whatever was asked for so far may be given to others. */
  lose(): void {
    this.losses.push(this.clock.now());
  }

  /** The run has ended; without an outcome it was closed from outside. */
  end(outcome?: ClientOutcome): void {
    this.outcome = outcome;
    this.returned = this.clock.now();
  }

  /** What happened, once nothing more can. */
  conclude(): readonly HistoryRecord[] {
    for (const hold of this.holds.values()) {
      this.records.push(this.acquisition(hold));
      if (hold.grant) this.records.push(this.release(hold));
    }
    return this.records;
  }

  private see(lock: LockName, token: number): void {
    const hold = this.holds.get(lock);
    if (!hold) throw new Error(`${this.name} shows a token of ${lock}, which it never asked for`);
    const at = this.clock.now();
    const { seen } = hold;
    hold.grant ??= { at, token };
    if (seen && token > seen.token) {
      this.records.push({ op: 'renew', ...this.about(lock), call: seen.at, return: at, token });
    }
    if (!seen || token >= seen.token) hold.seen = { at, token };
  }

  private recordUse(lock: LockName, token: number, result: 'accepted' | 'refused', begun: number, ended: number): void {
    this.records.push({ op: 'use', ...this.about(lock), call: begun, return: ended, result, token });
  }

  /** What the client may send now, until its next step at the fence shows how far it came. */
  private goOn(now: number): void {
    this.mayGiveUpFrom = undefined;
    for (const step of this.steps.slice(this.cursor)) {
      if (step.kind === 'use') return;
      if (step.kind === 'take') {
        this.mayGiveUpFrom = now;
        for (const { name: lock, mode } of step.locks) this.holds.set(lock, { lock, mode, call: now });
      } else {
        for (const name of step.names) this.releases(name, now);
      }
    }
    this.giveUp(now);
  }

  private giveUp(now: number): void {
    for (const lock of this.holds.keys()) this.releases(lock, now);
  }

  private releases(lock: LockName, now: number): void {
    const hold = this.holds.get(lock);
    if (hold) hold.releaseCall ??= now;
  }

  private acquisition(hold: Hold): HistoryRecord {
    const base = { op: 'acquire', ...this.about(hold.lock), mode: hold.mode, call: hold.call } as const;
    if (hold.grant) return { ...base, return: hold.grant.at, result: 'granted', token: hold.grant.token };
    if (this.outcome) return { ...base, return: this.returned ?? null, result: 'refused' };
    return { ...base, return: null, result: 'unknown' };
  }

  private release(hold: Hold): HistoryRecord {
    const ends = [hold.releaseCall, this.mayGiveUpFrom, this.closedAt, this.lostAt(hold)].filter(
      (at) => at !== undefined,
    );
    if (ends.length === 0) throw new Error(`${this.name} has ended, and nothing says how ${hold.lock} came free`);
    const isSeenToEnd = this.outcome !== undefined;
    const end = isSeenToEnd ? (hold.releaseReturn ?? this.returned ?? null) : (hold.releaseReturn ?? null);
    return { op: 'release', ...this.about(hold.lock), call: Math.min(...ends), return: end };
  }

  /** The first loss since it was asked for. */
  private lostAt({ call }: Hold): number | undefined {
    return this.losses.find((at) => call < at);
  }

  /**
   * A reader has nothing at the fence that could stop it: once its run is closed, its step is only what is left of this
   * observation; and where the lock service has lost its memory, nothing protects it.
   */
  private isReaderWithoutLock(lock: LockName): boolean {
    const hold = this.holds.get(lock);
    return hold?.mode === 'read' && (this.isClosed || this.lostAt(hold) !== undefined);
  }

  private about(lock: LockName) {
    return { client: this.client, hold: this.name, node: this.node, lock } as const;
  }
}
