/** Whether a process can do its work now, told as named checks and since when each has been as it is. */

export interface CheckResult {
  readonly ok: boolean;
  /** What is found; where it is not well, what is missing. */
  readonly message: string;
}

/** A look at what is known already: neither waits nor throws. */
export type Check = () => CheckResult;

export interface CheckReport extends CheckResult {
  readonly name: string;
  /** RFC 3339: when `ok` became what it is, as far as it was looked at. */
  readonly since: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: readonly CheckReport[];
}

type Phase = 'starting' | 'running' | 'shutting down';

interface Seen {
  readonly ok: boolean;
  readonly since: string;
}

export class Readiness {
  readonly #nowMs: () => number;
  readonly #checks = new Map<string, Check>();
  readonly #seen = new Map<string, Seen>();
  #phase: Phase = 'starting';

  /** `nowMs`: a clock of one's own. */
  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    this.add('process', () => ({ ok: this.#phase === 'running', message: this.#phase }));
  }

  /** Looked at from now on, in place of an earlier check of that name. */
  add(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  /** The process has everything it is made of; until then it is not ready, whatever the checks say. */
  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  /** Not ready from now on. */
  shutDown(): void {
    this.#phase = 'shutting down';
  }

  /** Looks at every check. */
  report(): ReadinessReport {
    const checks = [...this.#checks].map(([name, check]) => {
      const { ok, message } = check();
      return { name, ok, since: this.#since(name, ok), message };
    });
    return { ready: checks.every(({ ok }) => ok), checks };
  }

  #since(name: string, ok: boolean): string {
    const seen = this.#seen.get(name);
    if (seen?.ok === ok) return seen.since;
    const since = new Date(this.#nowMs()).toISOString();
    this.#seen.set(name, { ok, since });
    return since;
  }
}
