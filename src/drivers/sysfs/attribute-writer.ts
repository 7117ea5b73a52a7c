/** Writing to a file of sysfs, as the driver needs it: by a process that outlives the agent and can be interrupted. */

export interface AttributeWrite {
  /** The attribute, such as memory40/state. */
  readonly file: string;
  /** What write(2) is given, in one call. */
  readonly text: string;
  /** Stay open for as long as the write goes on, whatever becomes of the agent. */
  readonly gateDescriptors: readonly number[];
}

/** A process by its id and, because ids are used again, by when it started: clock ticks since the boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

/** How a write ended. Without an errno it succeeded, or was cut short: the attribute itself tells. */
export interface WriteEnd {
  /** The name that a system call failed with, if the writing process lived to tell it. */
  readonly errno?: string;
  /** Which one failed. Unset: an agent of an earlier version wrote. */
  readonly call?: 'open' | 'write';
}

export interface StartedWrite {
  /** Resolves when nothing of the write goes on any more: the system call has returned. Never rejects. */
  readonly ended: Promise<WriteEnd>;
  /** Makes the system call return early, where it can be. Idempotent. */
  interrupt(): void;
}

export interface PreparedWrite extends StartedWrite {
  /** Who does it; unset where that is no process of its own. */
  readonly process?: ProcessIdentity;
  /** Nothing is written before this is called, nor if the agent ends before. */
  begin(): void;
}

/** One write at a time. */
export interface AttributeWriter {
  /** Prepares a write, so that who does it can be recorded before it begins. */
  prepare(write: AttributeWrite): Promise<PreparedWrite>;
  /** Whether a write that an earlier agent began goes on. */
  isBusy(): boolean;
  /** The last write of an earlier agent, whether it goes on or not. Without `process` it cannot be interrupted. */
  resume(process: ProcessIdentity | undefined): StartedWrite;
  /** Watches no longer what goes on; interrupts nothing. */
  close(): void;
}
