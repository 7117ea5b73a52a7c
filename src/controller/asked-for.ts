/** The MemoryBlock as it would be if somebody asked for a state now: the present one edited, or a new one with the defaults. */
import type { ExplainQuestion } from '../contract/explain.ts';
import { FINALIZER, memoryBlockName } from '../contract/names.ts';
import type { MemoryBlock } from '../contract/resources.ts';
import { leaveOut } from './leave-out.ts';
import { goalOf, type Observed } from './wanted-operation.ts';

/**
 * What earlier operations left (a running one, the time of the next try) is not on it: the question is what an operation
 * that starts now would meet. `observed` unset: the agent has not reported the block.
 */
export function askedFor(
  question: ExplainQuestion,
  block: MemoryBlock | undefined,
  observed: Observed | undefined,
  nowMs: number,
): MemoryBlock {
  const { to } = question;
  const { metadata, spec, status } = block ?? newBlock(question);
  const { finalizers = [], generation = 1 } = metadata;
  const isEdited = block === undefined || goalOf(block) !== to;
  const isDeletion = to === 'absent';
  const deletionPolicy = isDeletion ? 'Remove' : spec.deletionPolicy;
  const others = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  return {
    metadata: {
      ...leaveOut(metadata, 'deletionTimestamp'),
      generation: isEdited ? generation + 1 : generation,
      finalizers: deletionPolicy === 'Remove' ? [...others, FINALIZER] : others,
      ...(isDeletion ? { deletionTimestamp: new Date(nowMs).toISOString() } : {}),
    },
    spec: { ...spec, deletionPolicy, ...(isDeletion ? {} : { state: to }) },
    status: { ...leaveOut(status ?? {}, 'operation', 'lastOperation', 'retry'), ...observed },
  };
}

/** With the defaults of the schema. */
function newBlock({ node, blockId }: ExplainQuestion): MemoryBlock {
  return {
    metadata: { name: memoryBlockName(node, blockId), generation: 0 },
    spec: {
      nodeName: node,
      blockId,
      deletionPolicy: 'Retain',
      driftPolicy: 'Report',
      offlineTimeoutSeconds: 300,
      lockTimeoutSeconds: 300,
    },
  };
}
