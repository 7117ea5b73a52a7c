/** The lock tables of nodes, asked for once for all operations that wait there: each of them is looked at every few seconds. */
import type { LockService } from '../contract/lock-service.ts';
import type { Clock } from './clock.ts';

/** Short beside the time between two looks at one operation, long beside that between looks at the many of one node. */
const RECENT_MS = 1_000;

type Answer = ReturnType<LockService['table']>;

export class RecentLockTables implements LockService {
  readonly #service: LockService;
  readonly #clock: Clock;
  /** By node, oldest first. */
  readonly #asked = new Map<string, { readonly atMs: number; readonly answer: Answer }>();

  constructor(service: LockService, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
  }

  /** At most a second old. */
  table(node: string): Answer {
    return this.recent(node) ?? this.#ask(node);
  }

  /** Undefined when nobody has asked for a second: asks for nothing itself. */
  recent(node: string): Answer | undefined {
    this.#forgetOld();
    return this.#asked.get(node)?.answer;
  }

  async wake(node: string): Promise<void> {
    this.#asked.delete(node);
    await this.#service.wake(node);
  }

  #ask(node: string): Answer {
    const asked = { atMs: this.#clock.nowMs(), answer: this.#service.table(node) };
    this.#asked.set(node, asked);
    // Whoever has asked is told; the next one tries again.
    asked.answer.catch(() => {
      if (this.#asked.get(node) === asked) this.#asked.delete(node);
    });
    return asked.answer;
  }

  #forgetOld(): void {
    for (const [node, { atMs }] of this.#asked) {
      if (this.#clock.nowMs() - atMs < RECENT_MS) return;
      this.#asked.delete(node);
    }
  }
}
