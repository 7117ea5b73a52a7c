/** What a person should know who reads a dry run: on what it rests, and what it leaves out of account. */
import type { ForeseenOperation } from '../contract/explain.ts';
import { ORPHAN_ANNOTATION, offlinePermitsWorkflowId } from '../contract/names.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { KnownNode } from './foresee-input.ts';
import { retryWaitMs } from './last-operation.ts';
import { goalOf } from './wanted-operation.ts';

/** Whole sentences. */
export function foreseeNotes(input: KnownNode, operations: readonly ForeseenOperation[]): readonly string[] {
  const { block, nodeMemory } = input;
  return [
    ...(block ? notesOnBlock(input, block) : [noteOnNoObject(input)]),
    ...noteOnSilentAgent(nodeMemory),
    ...noteOnPermits(input, operations),
  ];
}

function noteOnNoObject({ node, blockId }: KnownNode): string {
  return (
    `There is no MemoryBlock ${node}-memory${String(blockId)}: one with the defaults and without labels was assumed, so no ` +
    'notifier with a blockSelector was asked.'
  );
}

function notesOnBlock({ to, nodeMemory, chain, nowMs }: KnownNode, block: MemoryBlock): readonly string[] {
  const { metadata, spec, status } = block;
  const notes: string[] = [];
  if (to !== 'absent' && metadata.deletionTimestamp !== undefined) {
    notes.push('The object is being deleted: its spec counts no more. What is told is about a new one of that name.');
  }
  if (to === 'absent' && spec.deletionPolicy !== 'Remove') {
    const policy = `deletionPolicy is ${spec.deletionPolicy}`;
    notes.push(`${policy}: deleting the object would leave the memory as it is. What is told is about Remove.`);
  }
  if (to === 'absent' && metadata.annotations?.[ORPHAN_ANNOTATION]) {
    notes.push(`The annotation ${ORPHAN_ANNOTATION} lets the object go without any work on its memory.`);
  }
  const { operation, lastOperation } = status ?? {};
  if (operation) {
    const run = `${operation.type} runs since ${operation.startTime} (workflow ${operation.workflowId})`;
    notes.push(`${run}: what is told is about the block as it is now, halfway.`);
  }
  const untilMs = goalOf(block) === to ? retryWaitMs(block, nodeMemory, chain.fingerprint, nowMs) : undefined;
  if (untilMs !== undefined && lastOperation) {
    const next = new Date(untilMs).toISOString();
    notes.push(`The last try ended with: ${lastOperation.message}. By itself it is tried again at ${next}.`);
  }
  return notes;
}

function noteOnSilentAgent({ metadata, status }: NodeMemory): readonly string[] {
  const agent = status?.conditions?.find(({ type }) => type === 'AgentReady');
  if (agent?.status !== 'False') return [];
  return [`The agent of ${metadata.name} is away since ${agent.lastTransitionTime}: the block is as it was last seen.`];
}

function noteOnPermits(
  { cluster, maxConcurrentOfflines: max }: KnownNode,
  operations: readonly ForeseenOperation[],
): readonly string[] {
  if (max === undefined || !operations.some(({ type }) => type === 'offline')) return [];
  const who = `workflow ${offlinePermitsWorkflowId(cluster)} shows who has them`;
  return [`Before its locks, an offline waits for one of ${String(max)} permits of the fleet; ${who}.`];
}
