/** Everything a simulated node remembers. Plain JSON: it is what the state file holds. */
import type { DriverOperation, DriverResult, DriverStep, MemoryRange } from '../../contract/driver.ts';
import type { LockName } from '../../kernel/lock.ts';
import type { Errno } from '../../kernel/errno.ts';
import type { MemoryBlockState } from '../../kernel/memory-block.ts';
import type { Zone } from '../../kernel/zone.ts';
import type { Claims } from '../claims.ts';
import type { Fence } from '../fencing.ts';
import type { Journal } from '../journal.ts';
import type { SimulatedBehaviour } from './behaviour.ts';

export const STATE_VERSION = 1;

export interface SimulatedState extends Claims, Fence, Journal {
  readonly version: typeof STATE_VERSION;
  readonly bootId: string;
  readonly blockSizeBytes: number;
  /** Block devices that exist, by block id. */
  readonly blocks: Readonly<Record<number, SimulatedBlock>>;
  /** CPUs that were taken offline since the boot; unset: none. */
  readonly offlineCpus?: readonly number[];
  /** ZONE_DEVICE ranges; unset: none. */
  readonly deviceRanges?: readonly MemoryRange[];
  /** Sequence number of the last effect. */
  readonly lastEffect: number;
  /** Effects that may not be in the audit file yet. */
  readonly unwrittenEffects: readonly Effect[];
}

export interface SimulatedBlock {
  /** What `memoryN/state` reads. */
  readonly state: Exclude<MemoryBlockState, 'absent'>;
  /** Set while the block's state is online or going-offline. */
  readonly zone?: Zone;
  readonly numaNode: number;
  /** The online or offline that has prepared and not finished. */
  readonly transition?: BlockTransition;
}

export interface BlockTransition {
  readonly operation: 'online' | 'offline';
  readonly runId: string;
  /** Tokens of the locks that the run keeps until `finish`: a greater one proves that it lost them. */
  readonly keptTokens: Readonly<Record<LockName, number>>;
  /** `committed`: past the point of no return. `aborted`: undone, and cannot be committed any more. */
  readonly phase: 'prepared' | 'committed' | 'aborted';
  /** Of online: the zone chosen by `prepare`. */
  readonly zone?: Zone;
  /** Of offline: when migration began, in ms since the epoch; restarts of the agent do not reset it. */
  readonly migrationStartedAtMs?: number;
}

/** One real change of a block, a CPU or a ZONE_DEVICE range: a line of `effects.jsonl`. */
export interface Effect {
  /** Consecutive from 1: a line can be neither lost nor written twice. */
  readonly sequence: number;
  /** RFC 3339. */
  readonly time: string;
  readonly operation: DriverOperation;
  /** `by-hand`: nobody's run. */
  readonly step: DriverStep | 'by-hand';
  readonly change:
    | 'created'
    | 'pages-online'
    | 'pages-offline'
    | 'removed'
    | 'cpu-online'
    | 'cpu-offline'
    | 'device-added'
    | 'device-removed';
  readonly blockId?: number;
  readonly cpu?: number;
  readonly range?: MemoryRange;
  readonly runId?: string;
  readonly tokens?: Readonly<Record<LockName, number>>;
}

/** An effect before the shell of a step has numbered it. */
export type EffectDraft = Pick<Effect, 'change' | 'blockId' | 'cpu' | 'range'>;

/** What a step did: the next state, its result, and the changes to audit. */
export interface StepChange {
  readonly state: SimulatedState;
  readonly result: DriverResult;
  readonly effects: readonly EffectDraft[];
}

/** A step that is not done yet: call again after `waitMs`, or when something changes. */
export interface StepWait {
  readonly state: SimulatedState;
  readonly waitMs: number;
  /** For people who look at the pending activity. */
  readonly progress: string;
}

/** What a step may look at besides the state and its call. */
export interface StepSurroundings {
  readonly behaviour: SimulatedBehaviour;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** The operation was cancelled, as by a signal that is pending for the writing process. */
  readonly interrupted: boolean;
}

export function done(state: SimulatedState, zone?: Zone, effects: readonly EffectDraft[] = []): StepChange {
  return { state, result: zone === undefined ? { ok: true } : { ok: true, zone }, effects };
}

export function failed(state: SimulatedState, errno: Errno, message: string): StepChange {
  return { state, result: { ok: false, errno, message }, effects: [] };
}

/** Zone of the block's pages if they are online right now, whatever `state` reads. */
export function onlineZone(block: SimulatedBlock): Zone | undefined {
  const { transition } = block;
  if (transition?.operation === 'online') return transition.phase === 'committed' ? transition.zone : undefined;
  if (transition?.operation === 'offline' && transition.phase === 'committed') return undefined;
  return block.state === 'offline' ? undefined : block.zone;
}

export function withBlock(state: SimulatedState, blockId: number, block: SimulatedBlock | undefined): SimulatedState {
  if (block) return { ...state, blocks: { ...state.blocks, [blockId]: block } };
  const others = Object.entries(state.blocks).filter(([id]) => Number(id) !== blockId);
  return { ...state, blocks: Object.fromEntries(others) };
}
