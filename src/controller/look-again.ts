/**
 * The second look of an operation, under device_hotplug_lock: is it still wanted, is there anything left to do, and with
 * which arguments? Nothing has been done to the memory yet, so whoever changed their mind until now is obeyed.
 */
import type { LookAgainInput, LookAgainResult } from '../contract/activities.ts';
import { ORPHAN_ANNOTATION, PAUSED_ANNOTATION } from '../contract/names.ts';
import { formatBytes, parseBytes } from '../contract/quantity.ts';
import type { Debt } from '../contract/dead-operation.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { beginTransition, isOnlineType } from '../kernel/memory-block.ts';
import type { NotifierChain } from './registered-notifiers.ts';
import { goalOf, isStepTowards } from './wanted-operation.ts';

/**
 * Longest chain of one operation, in bytes as JSON. The server takes 2 MiB per payload; as much again is left for the
 * answers, and for how the chain grows where it is part of another message.
 */
export const CHAIN_LENGTH_MAX = 1_048_576;

export interface LookAgainFacts {
  /** Read live; undefined when there is no such object, or the operation was started without one. */
  readonly block: MemoryBlock | undefined;
  readonly node: NodeMemory | undefined;
  readonly isCrdTerminating: boolean;
  readonly chain: NotifierChain;
  /** What an operation on this block that died owes. */
  readonly debt?: Debt;
}

export function lookAgain(input: LookAgainInput, facts: LookAgainFacts): LookAgainResult {
  const tooLong = refusedForChain(facts.chain);
  if (facts.debt) {
    return tooLong ?? { verdict: 'indebted', debt: facts.debt };
  }
  const superseded = input.block ? whySuperseded(input, input.block.uid, facts) : undefined;
  if (superseded !== undefined) return { verdict: 'superseded', message: superseded };
  const { blockId, state } = input.inspection;
  if (isDone(input)) {
    return { verdict: 'nothing-to-do', message: `memory${String(blockId)} is ${state} already` };
  }
  const refused = (input.type === 'offline' ? refusedForFloor(facts.node, input) : undefined) ?? tooLong;
  if (refused) return refused;
  const spec = input.block ? facts.block?.spec : undefined;
  return {
    verdict: 'proceed',
    ...(spec?.state && isOnlineType(spec.state) ? { onlineType: spec.state } : {}),
    ...(spec ? { offlineTimeoutMs: spec.offlineTimeoutSeconds * 1000 } : {}),
    autoOnline: facts.node?.spec.autoOnline ?? 'offline',
    notifiers: facts.chain.notifiers,
    chain: facts.chain.fingerprint,
  };
}

/**
 * Online and offline of a block that is so already succeed, as `echo 1 > memoryN/online` does. An add or remove that was
 * asked for by range, not for an object, is left to the driver, which answers EEXIST or EINVAL as the kernel does.
 */
function isDone({ type, inspection, block }: LookAgainInput): boolean {
  const isIdempotent = block !== undefined || type === 'online' || type === 'offline';
  return isIdempotent && beginTransition(type, inspection.state).kind === 'already';
}

function whySuperseded({ type }: LookAgainInput, uid: string, facts: LookAgainFacts): string | undefined {
  const { block, isCrdTerminating } = facts;
  if (block?.metadata.uid !== uid) return 'the MemoryBlock is gone';
  if (isCrdTerminating) return 'the CRD of MemoryBlocks is being deleted; no memory is changed';
  const { annotations, deletionTimestamp } = block.metadata;
  if (annotations?.[PAUSED_ANNOTATION] === 'true') return `the MemoryBlock was paused before ${type} began`;
  if (deletionTimestamp !== undefined && annotations?.[ORPHAN_ANNOTATION]) return 'the MemoryBlock was orphaned';
  const goal = goalOf(block);
  if (isStepTowards(type, goal)) return undefined;
  return `${type} is no longer wanted: ${goal === undefined ? 'nothing is asked for' : `${goal} is wanted now`}`;
}

type Refused = Extract<LookAgainResult, { verdict: 'refused' }>;

function refusedForFloor(node: NodeMemory | undefined, input: LookAgainInput): Refused | undefined {
  const message = whyBelowFloor(node, input);
  const minOnline = node?.spec.minOnline;
  return message === undefined || minOnline === undefined
    ? undefined
    : { verdict: 'refused', message, grounds: { minOnline } };
}

function refusedForChain(chain: NotifierChain): Refused | undefined {
  const message = whyTooLong(chain);
  return message === undefined ? undefined : { verdict: 'refused', message, grounds: { chain: chain.fingerprint } };
}

/**
 * `NodeMemory.spec.minOnline`: what is online counts only under device_hotplug_lock, which keeps every other offline out. The
 * driver's own figure counts: NodeMemory.status may not have heard of the offline before. A node that has not told how much is
 * online is not believed to have enough.
 */
export function whyBelowFloor(
  node: NodeMemory | undefined,
  { blockSizeBytes, onlineBytes }: Pick<LookAgainInput, 'blockSizeBytes' | 'onlineBytes'>,
): string | undefined {
  const floor = node?.spec.minOnline;
  if (floor === undefined) return undefined;
  const online = onlineBytes === undefined ? node?.status?.online : formatBytes(onlineBytes);
  const left = online === undefined ? 0 : parseBytes(online) - blockSizeBytes;
  if (left >= parseBytes(floor)) return undefined;
  const now = online ?? 'an unknown amount';
  return `spec.minOnline of NodeMemory ${node?.metadata.name ?? ''} is ${floor}; ${now} is online, ${formatBytes(Math.max(0, left))} would be left`;
}

/** Beyond the server's limit the operation would hang with its locks held; here it has notified nobody and done nothing. */
export function whyTooLong({ notifiers }: NotifierChain): string | undefined {
  const lengthOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
  const length = lengthOf(notifiers);
  if (length <= CHAIN_LENGTH_MAX) return undefined;
  const [largest] = notifiers.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  return (
    `the ${String(notifiers.length)} MemoryNotifiers of this block have ${String(length)} bytes together; ` +
    `${String(CHAIN_LENGTH_MAX)} are allowed and ${largest?.name ?? ''} is the largest: shorten spec.plugin.config or ` +
    'spec.webhook.caBundle, narrow their selectors, or suspend some'
  );
}
