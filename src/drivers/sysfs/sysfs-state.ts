/** Everything that the driver of a real node remembers; what the blocks are like is not among it. Plain JSON. */
import type { DriverCall } from '../../contract/driver.ts';
import type { LockName } from '../../kernel/lock.ts';
import { tokenOf } from '../../kernel/token.ts';
import type { Claims } from '../claims.ts';
import type { Fence } from '../fencing.ts';
import type { Journal } from '../journal.ts';
import type { ProcessIdentity } from './attribute-writer.ts';

export const SYSFS_STATE_VERSION = 1;

export interface SysfsState extends Claims, Fence, Journal {
  readonly version: typeof SYSFS_STATE_VERSION;
  readonly bootId: string;
  /** The online or offline that has prepared and not finished: one, since device_hotplug_lock admits one operation. */
  readonly transition?: BlockTransition;
  /** A write that was begun, and has not been seen to end. */
  readonly write?: RecordedWrite;
}

export interface BlockTransition {
  readonly operation: 'online' | 'offline';
  readonly runId: string;
  readonly blockId: number;
  /** Tokens of the locks that the run keeps until `finish`. */
  readonly keptTokens: Readonly<Record<LockName, number>>;
  /** Cannot be committed any more. */
  readonly isAborted?: true;
  /** When the first write began, in ms since the boot; restarts of the agent do not reset it. */
  readonly startedAtUptimeMs?: number;
}

export interface RecordedWrite {
  /** The step that it belongs to. */
  readonly call: DriverCall;
  readonly process?: ProcessIdentity;
}

/**
 * What the driver begins with in boot `bootId`. Of another boot only the tokens count; where even they are lost (/run goes
 * with the boot), tokens of epochs before `fencingEpoch` are refused.
 */
export function stateOfBoot(stored: SysfsState | undefined, bootId: string, fencingEpoch: number): SysfsState {
  const epochFloor = fencingEpoch > 0 ? tokenOf(fencingEpoch, 0) : 0;
  const tokenFloor = Math.max(stored?.tokenFloor ?? 0, epochFloor);
  const fence = { tokens: stored?.tokens ?? {}, ...(tokenFloor > 0 ? { tokenFloor } : {}) };
  if (stored?.bootId === bootId) return { ...stored, ...fence };
  return { version: SYSFS_STATE_VERSION, bootId, claims: [], journal: [], ...fence };
}

export function withoutTransition(state: SysfsState): SysfsState {
  const rest: Writable<SysfsState> = { ...state };
  delete rest.transition;
  return rest;
}

export function withoutWrite(state: SysfsState): SysfsState {
  const rest: Writable<SysfsState> = { ...state };
  delete rest.write;
  return rest;
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };
