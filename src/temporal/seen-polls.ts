/** Whether the polls of a worker reach the server: told by when the server saw one of them last. */

/**
 * The server notes a poll when it begins and when it ends. One without a task ends after 60 s at the server, after 70 s at
 * the worker, which begins the next one after 10 s at most; the rest is for the time between two looks.
 */
const UNSEEN_MAX_MS = 90_000;

const MS_PER_SECOND = 1000;

export class SeenPolls {
  readonly #nowMs: () => number;
  #lastSeen: readonly (string | undefined)[] = [];
  #changedMs: number | undefined;

  /** `nowMs`: a clock that only runs forward. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * When it saw the last poll of each kind, by its own clock; undefined: it knows of none. Only a change counts, and from
   * when it is told, because the two clocks may differ. That the server forgets a poll is none.
   */
  told(lastSeen: readonly (string | undefined)[]): void {
    const isNews = lastSeen.some((time, kind) => time !== undefined && time !== this.#lastSeen[kind]);
    this.#lastSeen = lastSeen.map((time, kind) => time ?? this.#lastSeen[kind]);
    if (isNews) this.#changedMs = this.#nowMs();
  }

  /** Why not; undefined while polls are seen. */
  get whyUnseen(): string | undefined {
    if (this.#changedMs === undefined) return 'none of its polls has reached the server yet';
    const unseenMs = this.#nowMs() - this.#changedMs;
    if (unseenMs <= UNSEEN_MAX_MS) return undefined;
    return `none of its polls has reached the server for ${String(Math.floor(unseenMs / MS_PER_SECOND))} s`;
  }
}
