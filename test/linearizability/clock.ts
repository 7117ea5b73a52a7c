/** The one monotonic clock of a history: nanoseconds since the start of this process's run, no value twice. */
export class HistoryClock {
  private readonly origin = process.hrtime.bigint();
  private last = 0;

  now(): number {
    this.last = Math.max(this.last + 1, Number(process.hrtime.bigint() - this.origin));
    return this.last;
  }
}
