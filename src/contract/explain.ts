/**
 * A dry run: what would happen to one memory block if a state were asked for. Workflow `explainOperation` finds it out; it
 * takes no lock and writes nothing.
 */
import type { ChainSurveyCall } from '../kernel/chain-survey.ts';
import type { LockName } from '../kernel/lock.ts';
import type { MemoryAction } from '../kernel/memory-action.ts';
import type { MemoryBlockState, OnlineType, OperationType, RequestedState } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';
import type { Reason } from './conditions.ts';
import { DEVICE_HOTPLUG_LOCK, deviceLock, MEM_HOTPLUG_LOCK } from './lock-names.ts';
import type { RegisteredNotifier } from './notifier.ts';

export const EXPLAIN_WORKFLOW = 'explainOperation';

/** What may be asked for; `absent`: that the object is deleted with deletionPolicy Remove. */
export const EXPLAIN_GOALS = ['offline', 'online', 'online_kernel', 'online_movable', 'absent'] as const;
export type ExplainGoal = RequestedState | 'absent';

export interface ExplainQuestion {
  readonly node: string;
  readonly blockId: number;
  readonly to: ExplainGoal;
}

export interface ExplainInput extends ExplainQuestion {
  readonly cluster: string;
}

/** Why it would not be begun, or would end before anybody was asked; what is told about later operations holds once it is gone. */
export interface Obstacle {
  readonly reason: Reason;
  readonly message: string;
}

/** An operation that would come. */
export interface ForeseenOperation {
  readonly type: OperationType;
  readonly why: string;
  /** The action that plugins could veto; `add` and `remove` ask nobody. */
  readonly action?: Extract<MemoryAction, 'MEM_GOING_ONLINE' | 'MEM_GOING_OFFLINE'>;
  readonly onlineType?: OnlineType;
  /** By auto_online_blocks, as a part of the add; whatever comes of it, the add has succeeded. */
  readonly isAutomatic?: true;
  /** In the order in which they are asked for. */
  readonly locks: readonly LockName[];
}

export interface ExplainedBlock {
  readonly node: string;
  readonly blockId: number;
  /** Of the MemoryBlock, whether there is one or not. */
  readonly name: string;
  /** There is such a MemoryBlock. */
  readonly isRegistered: boolean;
  /** As the agent has last told it; unset: it never did. */
  readonly state?: MemoryBlockState;
  readonly zone?: Zone;
  /** What its MemoryBlock asks for now. */
  readonly goal?: ExplainGoal;
}

interface Outlook {
  readonly block: ExplainedBlock;
  readonly to: ExplainGoal;
  readonly obstacles: readonly Obstacle[];
  /** Where it ends: why nothing is left to do. Unset where an obstacle is the end. */
  readonly end?: string;
  /** Sentences about what this answer rests on. */
  readonly notes: readonly string[];
}

/** A node or block that does not exist. `message` says what to do. */
export interface NothingKnown {
  readonly kind: 'unknown';
  readonly message: string;
}

export interface ChainMember {
  readonly notifier: RegisteredNotifier;
  /** Who is asked, in words. */
  readonly target: string;
}

/** What the operator foresees before any plugin is asked. */
export interface Foresight extends Outlook {
  readonly kind: 'foreseen';
  readonly operations: readonly ForeseenOperation[];
  /** In call order; every operation would walk this one. */
  readonly chain: readonly ChainMember[];
  readonly blockSizeBytes: number;
  readonly numaNode?: number;
}

/** A notifier's answer to the dry run. */
export interface ExplainedCall extends ChainSurveyCall {
  readonly target: string;
  readonly priority: number;
}

export interface ExplainedOperation extends ForeseenOperation {
  /** In chain order, those included whom the real walk would not reach. Unset: nobody is asked. */
  readonly calls?: readonly ExplainedCall[];
}

export interface Explanation extends Outlook {
  readonly kind: 'explained';
  readonly operations: readonly ExplainedOperation[];
}

/** Run by the operator on the operations queue. */
export interface ExplainActivities {
  /** Reads what the controller and an operation would read, and writes nothing. */
  foreseeOperations(input: ExplainQuestion): Promise<Foresight | NothingKnown>;
}

/** The locks that an operation on one block takes, in its order; of add and remove, the block's own comes last and nested. */
export function locksOf(type: OperationType, blockId: number): readonly LockName[] {
  const ofBlock = deviceLock(blockId);
  return type === 'add' || type === 'remove'
    ? [DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK, ofBlock]
    : [DEVICE_HOTPLUG_LOCK, ofBlock, MEM_HOTPLUG_LOCK];
}

/** A veto that somebody would give. */
export interface Objection {
  readonly operation: ExplainedOperation;
  readonly call: ExplainedCall;
}

/**
 * The vetoes that stand between the block and its goal: those of the real walk, and those that would come once the vetoers
 * before have agreed. One behind a NOTIFY_STOP is never given. An automatic online that is not where it ends does no harm.
 */
export function objectionsIn({ operations }: Pick<Explanation, 'operations'>): readonly Objection[] {
  return operations.flatMap((operation, index) => {
    if (operation.isAutomatic && index < operations.length - 1) return [];
    const calls = operation.calls ?? [];
    const vetoers = new Set(calls.filter(({ isVeto }) => isVeto).map(({ name }) => name));
    return calls
      .filter(({ isVeto, behind }) => isVeto && (behind === undefined || vetoers.has(behind)))
      .map((call) => ({ operation, call }));
  });
}

/** Whether it would come to where it was asked to, as far as can be known now. */
export function wouldGoThrough(explanation: Explanation): boolean {
  return explanation.obstacles.length === 0 && objectionsIn(explanation).length === 0;
}
