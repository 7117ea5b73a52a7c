import { DEVICE_HOTPLUG_LOCK } from '../../contract/lock-names.ts';
import type { MemoryNotify, NotifierAnswer } from '../../contract/notifier.ts';
import { isVetoable } from '../../kernel/memory-action.ts';
import { done, ok, veto } from '../define-plugin.ts';
import type { LeaseOperation, NodeLease } from '../node-leases.ts';

/** A holder gives back, as a rule, long before its Lease runs out; so it is looked for again after so long. */
const RETRY_AFTER_SECONDS_MAX = 300;

/** How this project holds a Lease. */
export interface LeaseTerms {
  readonly namespace: string;
  readonly holder: string;
  readonly durationSeconds: number;
}

export type LeaseStep =
  | { readonly kind: 'answer'; readonly answer: NotifierAnswer }
  /** Write `lease`; when that succeeds, answer. When somebody else was faster, look again. */
  | { readonly kind: 'write'; readonly lease: NodeLease; readonly answer: NotifierAnswer };

/** What to do about `event` when the node's Lease is `seen` (undefined: there is none) at `nowMs`. */
export function leaseStep(
  seen: NodeLease | undefined,
  event: MemoryNotify,
  terms: LeaseTerms,
  nowMs: number,
): LeaseStep {
  return isVetoable(event.action) ? take(seen, event, terms, nowMs) : giveBack(seen, event, terms);
}

function take(seen: NodeLease | undefined, event: MemoryNotify, terms: LeaseTerms, nowMs: number): LeaseStep {
  const operation = operationOf(event);
  const held = seen && isHeld(seen, nowMs) ? seen : undefined;
  const isOurs = seen?.holder === terms.holder;
  if (held && !isOurs) return { kind: 'answer', answer: heldByAnother(held, nowMs) };
  // A dry run is not asked under the lock, so it has no token to compare.
  if (held && !event.dryRun && isBefore(operation, held.operation)) {
    return { kind: 'answer', answer: veto('ESTALE', `${leaseName(held)} is held for a later operation on the node`) };
  }
  const acquiredMs = held?.operation?.runId === operation.runId ? held.acquireMs : undefined;
  const lease: NodeLease = {
    ...(seen ?? { namespace: terms.namespace, node: event.node }),
    holder: terms.holder,
    durationSeconds: terms.durationSeconds,
    acquireMs: acquiredMs ?? nowMs,
    renewMs: nowMs,
    transitions: seen ? seen.transitions + (isOurs ? 0 : 1) : 0,
    operation,
  };
  return { kind: 'write', lease, answer: ok(`${leaseName(lease)} is held for this operation`) };
}

/**
 * Only what this operation, or an earlier one on the node, has taken: a repeat that comes late from an earlier run must
 * not free what the present one holds, and what a dead run left is freed by the run that tells how it came out.
 */
function giveBack(seen: NodeLease | undefined, event: MemoryNotify, { holder }: LeaseTerms): LeaseStep {
  const isOurs = seen?.holder === holder && seen.operation !== undefined;
  if (!isOurs || isBefore(operationOf(event), seen.operation)) return { kind: 'answer', answer: done() };
  const { namespace, node, version, transitions } = seen;
  const lease = { namespace, node, transitions, ...(version !== undefined && { version }) };
  return { kind: 'write', lease, answer: ok(`${leaseName(lease)} was given back`) };
}

function heldByAnother(lease: NodeLease, nowMs: number): NotifierAnswer {
  const endMs = endOf(lease);
  const reason = `${leaseName(lease)} is held by ${lease.holder ?? ''}, at the latest until ${new Date(endMs).toISOString()}`;
  const leftSeconds = Math.floor((endMs - nowMs) / 1000) + 1;
  return veto('EBUSY', reason, {
    retryAfterSeconds: Math.min(leftSeconds, RETRY_AFTER_SECONDS_MAX),
    outlook: 'Deferred',
  });
}

function isHeld(lease: NodeLease, nowMs: number): boolean {
  return lease.holder !== undefined && nowMs <= endOf(lease);
}

/** The last moment of a Lease, which is included. One without times has none. */
function endOf({ renewMs, durationSeconds }: NodeLease): number {
  return renewMs === undefined || durationSeconds === undefined ? -Infinity : renewMs + durationSeconds * 1000;
}

function operationOf({ workflowId, runId, tokens }: MemoryNotify): LeaseOperation {
  return { workflowId, runId, token: tokens[DEVICE_HOTPLUG_LOCK] ?? 0 };
}

function isBefore(one: LeaseOperation, other: LeaseOperation | undefined): boolean {
  return other !== undefined && one.runId !== other.runId && one.token < other.token;
}

function leaseName({ namespace, node }: NodeLease): string {
  return `Lease ${namespace}/node-${node}`;
}
