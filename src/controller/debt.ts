/** What a dead operation owes, from the objects as they are now. */
import type { DeadOperation, Debt } from '../contract/dead-operation.ts';
import type { BlockReference } from '../contract/operations.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { NotifierChain } from './registered-notifiers.ts';

export interface DebtFacts {
  /** Read live; undefined when the object is gone. */
  readonly block: MemoryBlock | undefined;
  readonly node: NodeMemory | undefined;
  readonly chain: NotifierChain;
}

/** Undefined when the object does not name the run any more: somebody else has delivered and recorded it. */
export function debtOf(
  dead: DeadOperation,
  blockId: number,
  reference: BlockReference | undefined,
  { block, node, chain }: DebtFacts,
): Debt | undefined {
  const live = reference !== undefined && block?.metadata.uid === reference.uid ? block : undefined;
  if (live && live.status?.operation?.runId !== dead.runId) return undefined;
  return {
    dead,
    blockId,
    ...(live && reference ? { block: reference } : {}),
    autoOnline: node?.spec.autoOnline ?? 'offline',
    notifiers: chain.notifiers,
    chain: chain.fingerprint,
  };
}
