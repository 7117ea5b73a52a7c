/** A write that goes on, and the step that it belongs to. */
import type { DriverCall } from '../../contract/driver.ts';
import type { StartedWrite } from './attribute-writer.ts';
import type { Interruption } from './step-verdict.ts';

export class RunningWrite {
  /** Resolves when the write has ended and what it came to is on disk. */
  readonly over: Promise<void>;
  #call: DriverCall | undefined;
  #started: StartedWrite | undefined;
  #interruption: Interruption | undefined;

  /** `carryOut` does the write and tells of it; what it throws, `over` rejects with. */
  constructor(call: DriverCall | undefined, carryOut: (running: RunningWrite) => Promise<void>) {
    this.#call = call;
    this.over = Promise.resolve().then(() => carryOut(this));
    // Whoever waits is told; nobody need wait.
    this.over.catch(() => undefined);
  }

  /**
   * Of the latest attempt: a run that survived its lock service has other tokens then. Unset: an earlier agent's write, whose
   * directory was emptied meanwhile, so that nobody remembers.
   */
  get call(): DriverCall | undefined {
    return this.#call;
  }

  /** Why it was interrupted first; the attribute may read as wanted all the same. */
  get interruption(): Interruption | undefined {
    return this.#interruption;
  }

  /** Another attempt waits for it, if it is one of the same step of the same run; tells whether it is. */
  join(attempt: DriverCall): boolean {
    const { owner, operation, step, blockId } = attempt;
    const first = this.#call;
    const isSameRun = first?.owner.runId === owner.runId;
    const isSame = isSameRun && first.operation === operation && first.step === step && first.blockId === blockId;
    if (isSame) this.#call = attempt;
    return isSame;
  }

  /** From now on an interruption reaches it; an earlier one does at once. */
  started(write: StartedWrite): void {
    this.#started = write;
    if (this.#interruption) write.interrupt();
  }

  interrupt(why: Interruption): void {
    this.#interruption ??= why;
    this.#started?.interrupt();
  }
}
