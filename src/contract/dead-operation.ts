/** Operations that ended without a word (terminated, as a rule), and what they owe to the notifier chain. */
import type { OnlineType, OperationType } from '../kernel/memory-block.ts';
import type { RunReference } from './driver.ts';
import type { RegisteredNotifier } from './notifier.ts';
import type { BlockReference, OperationInput } from './operations.ts';
import type { OperationStatus } from './resources.ts';

/** A run that closed without an outcome after its second look: it may have told notifiers that something is going to happen. */
export interface DeadOperation extends RunReference {
  readonly type: OperationType;
  /** Of the node when it took its second look. After a reboot nobody is owed anything. */
  readonly bootId: string;
  /** How Temporal says that it closed; unset when the server does not know it any more. */
  readonly closedAs?: string;
}

/** What a dead operation owes, and the chain that is owed it: as it is registered now. */
export interface Debt {
  readonly dead: DeadOperation;
  readonly blockId: number;
  /** Unset when the object is gone: then the outcome is recorded nowhere. */
  readonly block?: BlockReference;
  /** auto_online_blocks of the node. */
  readonly autoOnline: OnlineType | 'offline';
  readonly notifiers: readonly RegisteredNotifier[];
  readonly chain: string;
}

/** Workflow type; the function in workflows/ has this name. */
export const RECOVERY_WORKFLOW = 'recoverMemory';

export interface RecoverMemoryInput extends OperationInput {
  readonly blockId: number;
  readonly dead: DeadOperation;
}

export interface RecoveryRequest {
  readonly type: 'recover';
  readonly input: RecoverMemoryInput;
}

/**
 * The operation that a status names, given that its run is closed; undefined when it owes nothing: it completed, or died
 * before its second look, which is what writes `bootId`, before anybody is asked.
 */
export function deadOperation(named: OperationStatus, closedAs: string | undefined): DeadOperation | undefined {
  const { type, workflowId, runId, bootId } = named;
  if (bootId === undefined || closedAs === 'COMPLETED') return undefined;
  return { type, workflowId, runId, bootId, ...(closedAs === undefined ? {} : { closedAs }) };
}

/** `run … was closed (TERMINATED) without an outcome` */
export function describeDeath({ runId, closedAs }: { readonly runId: string; readonly closedAs?: string }): string {
  const how = closedAs === undefined ? 'is not known to the Temporal server any more' : `was closed (${closedAs})`;
  return `run ${runId} ${how} without an outcome`;
}
