/** What a step comes to, as far as it can be told without writing. */
import type { DriverCall, DriverResult } from '../../contract/driver.ts';
import type { DriverCapabilities } from '../../contract/resources.ts';
import { parseErrno, type Errno } from '../../kernel/errno.ts';
import type { Zone } from '../../kernel/zone.ts';
import type { WriteEnd } from './attribute-writer.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import type { SysfsState } from './sysfs-state.ts';

/** The step is done. */
export interface StepDone {
  readonly state: SysfsState;
  readonly result: DriverResult;
}

/** The step needs a write; its end is the step's. */
export interface StepWrite {
  readonly state: SysfsState;
  readonly write: { readonly file: string; readonly text: string };
}

export type StepVerdict = StepDone | StepWrite;

/** What a step may look at besides the state and its call. */
export interface StepSurroundings {
  readonly memory: SysfsMemory;
  readonly capabilities: DriverCapabilities;
  /** Milliseconds since the boot of the node, suspended time included. */
  readonly uptimeMs: number;
  /** The operation was cancelled. */
  readonly isInterrupted: boolean;
}

export type Step = (state: SysfsState, call: DriverCall, around: StepSurroundings) => StepVerdict;

/** Why the writing process was killed by us. */
export type Interruption = 'cancelled' | 'timed-out' | 'overtaken' | 'settled';

export interface ObservedEnd extends WriteEnd {
  readonly interruption?: Interruption;
  /** An earlier agent had begun the write: without an errno nobody knows whether it came as far as write(2). */
  readonly isResumed: boolean;
}

export function done(state: SysfsState, zone?: Zone): StepDone {
  return { state, result: succeeded(zone) };
}

export function failed(state: SysfsState, errno: Errno, message: string): StepDone {
  return { state, result: { ok: false, errno, message } };
}

export function succeeded(zone?: Zone): DriverResult & { readonly ok: true } {
  return zone === undefined ? { ok: true } : { ok: true, zone };
}

/** The driver cannot do this on the node; nothing was changed. */
export function notSupported(state: SysfsState, message: string): StepDone {
  return failed(state, 'EOPNOTSUPP', message);
}

/** The block of a step about one block. */
export function blockIdOf(call: DriverCall): number {
  return call.blockId ?? -1;
}

export function blockName(call: DriverCall): string {
  return `memory${String(blockIdOf(call))}`;
}

type Hints = Readonly<Partial<Record<Errno, string>>>;
const NO_RIGHT = 'the agent may not open it for writing; docs/sysfs.md says what it needs';
/** The same errno says another thing after open(2) has succeeded: rights are open's, the rest is the kernel's at work. */
const HINTS: Readonly<Record<NonNullable<WriteEnd['call']>, Hints>> = {
  open: {
    EACCES: NO_RIGHT,
    EPERM: NO_RIGHT,
    EROFS: 'sysfs is mounted read-only; docs/sysfs.md says what the agent needs',
    ENODEV: 'the device is gone',
  },
  write: {
    EBUSY: 'a page of it cannot be moved away',
    // notifier_to_errno(NOTIFY_BAD).
    EPERM: 'a notifier inside the kernel vetoed it (NOTIFY_BAD)',
    ENODEV: 'the device is gone',
    EHWPOISON: 'the block has a page that the hardware reported as broken',
  },
};
const INTERRUPTED: Readonly<Record<Interruption, string>> = {
  cancelled: 'the operation was cancelled',
  'timed-out': 'pages did not migrate away in time',
  overtaken: 'another step came meanwhile',
  settled: 'the operation was settled',
};

/**
 * The failure of a write after which the attribute does not read as wanted; undefined where it is not known whether the
 * write took place at all, so that it has to be done again.
 */
export function writeFailure(what: string, end: ObservedEnd): DriverResult | undefined {
  const { errno: code, call, interruption, isResumed } = end;
  if (code !== undefined) {
    // open(2) of an attribute that went with its device.
    const errno = code === 'ENOENT' && call !== 'write' ? 'ENODEV' : (parseErrno(code) ?? 'EIO');
    const hint = call && HINTS[call][errno];
    return { ok: false, errno, message: `${what} failed with ${code}${hint === undefined ? '' : `: ${hint}`}` };
  }
  if (interruption)
    return { ok: false, errno: 'EINTR', message: `${what} was interrupted: ${INTERRUPTED[interruption]}` };
  if (isResumed) return undefined;
  return { ok: false, errno: 'EINTR', message: `${what} was interrupted: somebody killed the process that wrote` };
}

/** For people: `offline commit of memory40`. */
export function stepName(call: DriverCall): string {
  const { operation, step, blockId } = call;
  return `${operation} ${step}${blockId === undefined ? '' : ` of ${blockName(call)}`}`;
}
