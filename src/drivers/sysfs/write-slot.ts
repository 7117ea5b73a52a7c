/** The one write that may go on at a time on a node, from the moment that it is recorded to what it comes to. */
import type { Logger } from 'winston';
import type { DriverCall } from '../../contract/driver.ts';
import type { AttributeWrite, AttributeWriter, PreparedWrite, WriteEnd } from './attribute-writer.ts';
import { RunningWrite } from './running-write.ts';
import type { ObservedEnd } from './step-verdict.ts';
import type { RecordedWrite } from './sysfs-state.ts';

/** What the driver remembers; each is durable when it returns. Not called any more once the slot has closed. */
export interface WriteLog {
  begins(write: RecordedWrite): void;
  /** Without a call nobody knows what was written. */
  ended(call: DriverCall | undefined, end: ObservedEnd): void;
}

export class WriteSlot {
  readonly #writer: AttributeWriter;
  readonly #log: WriteLog;
  readonly #logger: Logger;
  #running: RunningWrite | undefined;
  #isClosed = false;

  constructor(writer: AttributeWriter, log: WriteLog, logger: Logger) {
    this.#writer = writer;
    this.#log = log;
    this.#logger = logger;
  }

  get running(): RunningWrite | undefined {
    return this.#running;
  }

  /** Goes on with what an earlier agent left: a write that it recorded, or one that nobody remembers. */
  resume(recorded: RecordedWrite | undefined): void {
    if (!recorded && !this.#writer.isBusy()) return;
    const fields = recorded ? fieldsOf(recorded.call) : {};
    this.#logger.warn('a write of an earlier agent is waited for', { ...fields, pid: recorded?.process?.pid });
    this.#occupy(recorded?.call, true, async (running) => {
      const write = this.#writer.resume(recorded?.process);
      running.started(write);
      return write.ended;
    });
  }

  /** Nothing may be running. */
  start(call: DriverCall, write: AttributeWrite): RunningWrite {
    return this.#occupy(call, false, (running) => this.#write(running, call, write));
  }

  /** Interrupts nothing that has begun. */
  close(): void {
    this.#isClosed = true;
    this.#writer.close();
  }

  #occupy(
    call: DriverCall | undefined,
    isResumed: boolean,
    write: (running: RunningWrite) => Promise<WriteEnd>,
  ): RunningWrite {
    const occupant = new RunningWrite(call, async (running) => {
      try {
        const end = await write(running);
        if (this.#isClosed) return;
        const { interruption } = running;
        this.#logger.info('write ended', { ...(running.call ? fieldsOf(running.call) : {}), ...end, interruption });
        this.#log.ended(running.call, { ...end, isResumed, ...(interruption ? { interruption } : {}) });
      } finally {
        this.#running = undefined;
      }
    });
    this.#running = occupant;
    return occupant;
  }

  async #write(running: RunningWrite, call: DriverCall, write: AttributeWrite): Promise<WriteEnd> {
    const prepared = await this.#writer.prepare(write);
    if (this.#isClosed || running.interruption) return endUnbegun(prepared);
    try {
      this.#log.begins({ call, ...(prepared.process ? { process: prepared.process } : {}) });
    } catch (error) {
      // What nobody will know of must not begin.
      await endUnbegun(prepared);
      throw error;
    }
    const { file, text } = write;
    this.#logger.info('write begins', { ...fieldsOf(call), file, text, pid: prepared.process?.pid });
    prepared.begin();
    running.started(prepared);
    return prepared.ended;
  }
}

function fieldsOf({ operation, blockId, owner, tokens }: DriverCall): object {
  return { operation, blockId, ...owner, tokens };
}

async function endUnbegun(prepared: PreparedWrite): Promise<WriteEnd> {
  prepared.interrupt();
  await prepared.ended;
  return {};
}
