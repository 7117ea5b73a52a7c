/** How a process ends: asked to by a signal, or because it cannot go on; in a limited time either way. */
import type { Log } from '../controller/cluster.ts';
import type { Readiness } from './readiness.ts';

export interface EndingOptions {
  readonly log: Pick<Log, 'info' | 'error'>;
  readonly readiness: Pick<Readiness, 'shutDown'>;
  /** A process that has not ended by itself so long after it began to is stuck; Temporal and the API server carry on without it. */
  readonly limitMs: number;
  /** How long a process that cannot go on may stay when all is closed: a failed worker's native part may hold its connection. */
  readonly lingerMs: number;
  /** Ends the process at once. */
  readonly exit: (status: number) => void;
}

export class Ending {
  readonly #options: EndingOptions;
  readonly #asked = new AbortController();
  #failure: { readonly message: string } | undefined;
  #hasBegun = false;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** Aborted when the process was asked to end. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Why it cannot go on; undefined while it can. */
  get fatal(): string | undefined {
    return this.#failure?.message;
  }

  /** SIGTERM or SIGINT has come; the second one ends the process at once. */
  asked(signal: NodeJS.Signals): void {
    if (this.#asked.signal.aborted) {
      this.#options.exit(1);
      return;
    }
    this.#options.log.info('shutting down', { signal });
    this.#begin();
    this.#asked.abort();
  }

  /** It cannot go on. To be told before anything is closed; the first error counts. */
  failed(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { message: String(error) };
    this.#options.log.error('cannot go on; shutting down', { error });
    this.#begin();
  }

  /** All is closed. A process that cannot go on ends soon, even if something keeps it. */
  closed(): void {
    const { lingerMs, exit } = this.#options;
    if (!this.#failure) return;
    setTimeout(() => {
      exit(1);
    }, lingerMs).unref();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { log, readiness, limitMs, exit } = this.#options;
    readiness.shutDown();
    setTimeout(() => {
      log.error('shutdown takes too long; giving up', { limitMs });
      exit(1);
    }, limitMs).unref();
  }
}
