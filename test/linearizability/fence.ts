/**
 * Where the locks matter: the node's side, as a driver has it. Remembers the highest token per lock and refuses a smaller
 * one, an equal one of another run, and whatever was settled.
 *
 * It lives in the process that owns the clock of the history, and never waits between a decision and its record.
 */
import type { SettleInput, SettleResult } from '../../src/contract/activities.ts';
import type { LockName } from '../../src/kernel/lock.ts';

interface Step {
  readonly node: string;
  readonly tokens: Readonly<Record<LockName, number>>;
  readonly interruption: PromiseWithResolvers<undefined>;
  readonly ended: PromiseWithResolvers<undefined>;
}

export class Fence {
  private readonly seen = new Map<string, { token: number; runId: string }>();
  private readonly settled = new Map<string, number>();
  private readonly floors = new Map<string, number>();
  private readonly steps = new Set<Step>();
  settlements = 0;

  /** Those of `tokens` that are stale. When there are none, all are remembered. */
  admit(node: string, runId: string, tokens: Readonly<Record<LockName, number>>): readonly LockName[] {
    const stale = Object.keys(tokens).filter((lock) => this.isStale(node, lock, tokens[lock] ?? 0, runId));
    if (stale.length > 0) return stale;
    for (const [lock, token] of Object.entries(tokens)) this.seen.set(key(node, lock), { token, runId });
    return [];
  }

  /** Runs `work` as a step under `tokens`; it is told when a settlement wants it to stop, and the settlement waits for it. */
  async during(
    node: string,
    tokens: Readonly<Record<LockName, number>>,
    work: (interrupted: Promise<undefined>) => Promise<void>,
  ): Promise<void> {
    const interruption = Promise.withResolvers<undefined>();
    const step: Step = { node, tokens, interruption, ended: Promise.withResolvers<undefined>() };
    this.steps.add(step);
    try {
      await work(interruption.promise);
    } finally {
      this.steps.delete(step);
      step.ended.resolve(undefined);
    }
  }

  async settle({ node, tokens = {}, below = 0 }: SettleInput): Promise<SettleResult> {
    this.settlements += 1;
    this.floors.set(node, Math.max(below, this.floors.get(node) ?? 0));
    for (const [lock, token] of Object.entries(tokens)) {
      const name = key(node, lock);
      this.settled.set(name, Math.max(token, this.settled.get(name) ?? 0));
    }
    const under = [...this.steps].filter(
      (step) =>
        step.node === node &&
        Object.entries(step.tokens).some(([lock, token]) => token <= (tokens[lock] ?? 0) || token < below),
    );
    for (const step of under) step.interruption.resolve(undefined);
    await Promise.all(under.map((step) => step.ended.promise));
    return { bootId: 'boot-1', highestToken: this.highestToken(node) };
  }

  private isStale(node: string, lock: LockName, token: number, runId: string): boolean {
    const name = key(node, lock);
    if (token <= (this.settled.get(name) ?? 0) || token < (this.floors.get(node) ?? 0)) return true;
    const seen = this.seen.get(name);
    return seen !== undefined && (token < seen.token || (token === seen.token && runId !== seen.runId));
  }

  private highestToken(node: string): number {
    const tokens = [...this.seen].filter(([name]) => name.startsWith(`${node} `)).map(([, { token }]) => token);
    return Math.max(0, ...tokens);
  }
}

function key(node: string, lock: LockName): string {
  return `${node} ${lock}`;
}
