/** All that is known when it is foreseen what would happen to a block. Read live. */
import type { ExplainQuestion } from '../contract/explain.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { OperationPolicy } from './operation-request.ts';
import type { NotifierChain } from './registered-notifiers.ts';

export interface ForeseeInput extends OperationPolicy, ExplainQuestion {
  readonly cluster: string;
  readonly block: MemoryBlock | undefined;
  readonly nodeMemory: NodeMemory | undefined;
  /** See `whyNodeIsGone`. */
  readonly nodeGone?: string;
  readonly isCrdTerminating: boolean;
  readonly chain: NotifierChain;
  readonly nowMs: number;
}

export type KnownNode = ForeseeInput & { readonly nodeMemory: NodeMemory };
