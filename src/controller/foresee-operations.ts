/**
 * What would happen to one block if a state were asked for: `plan` decides about a copy of the object, again and again,
 * until nothing is left to do. Pure; the rules are those of the controller and of the second look.
 */
import {
  locksOf,
  type ForeseenOperation,
  type Foresight,
  type NothingKnown,
  type Obstacle,
} from '../contract/explain.ts';
import { memoryBlockName } from '../contract/names.ts';
import { parseBytes } from '../contract/quantity.ts';
import type { MemoryBlock } from '../contract/resources.ts';
import type { OnlineType } from '../kernel/memory-block.ts';
import { askedFor } from './asked-for.ts';
import type { ForeseeInput, KnownNode } from './foresee-input.ts';
import { foreseeNotes } from './foresee-notes.ts';
import { leaveOut } from './leave-out.ts';
import { liftObstacle } from './lift-obstacle.ts';
import { whyBelowFloor, whyTooLong } from './look-again.ts';
import { describeTransport } from './notifier-transport.ts';
import { observedBlock, zoneWhenOnline } from './observed-block.ts';
import { plan, type Action, type PlanInput } from './plan.ts';
import { goalOf, type Observed } from './wanted-operation.ts';

interface Path {
  readonly operations: readonly ForeseenOperation[];
  readonly obstacles: readonly Obstacle[];
  readonly end?: string;
}

/** Obstacles that a person could lift are told and then left out of account, so that what would come after is told too. */
export function foreseeOperations(input: ForeseeInput): Foresight | NothingKnown {
  const { node, blockId, to, block, nodeMemory, chain } = input;
  if (!nodeMemory) return unknown(`there is no NodeMemory ${node}; kubectl get nodememories lists the nodes`);
  const observed = observedBlock(nodeMemory, blockId, block);
  if (!block && to === 'absent' && observed?.state === 'absent') {
    const ranges = (nodeMemory.status?.blocks ?? []).map(({ range }) => range).join(',');
    return unknown(`${node} has no block ${String(blockId)}, and no MemoryBlock asks for one; it has ${ranges}`);
  }
  const tooLong = whyTooLong(chain);
  const path = followPlan(planInput({ ...input, nodeMemory }, observed));
  const isOver = path.operations.length === 0;
  const goal = block && goalOf(block);
  const numaNode = block?.spec.numaNode;
  return {
    kind: 'foreseen',
    block: {
      node,
      blockId,
      name: memoryBlockName(node, blockId),
      isRegistered: block !== undefined,
      ...observed,
      ...(goal === undefined ? {} : { goal }),
    },
    to,
    ...path,
    obstacles: [...path.obstacles, ...(isOver || tooLong === undefined ? [] : [deferred(tooLong)])],
    notes: foreseeNotes({ ...input, nodeMemory }, path.operations),
    chain:
      isOver || tooLong !== undefined
        ? []
        : chain.notifiers.map((notifier) => ({ notifier, target: describeTransport(notifier.transport) })),
    blockSizeBytes: parseBytes(nodeMemory.status?.blockSize ?? '0'),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}

function planInput(input: KnownNode, observed: Observed | undefined): PlanInput {
  const { cluster, block, nodeMemory, nodeGone, isCrdTerminating, chain, nowMs, maxConcurrentOfflines } = input;
  return {
    cluster,
    block: askedFor(input, block, observed, nowMs),
    node: nodeMemory,
    ...(nodeGone === undefined ? {} : { nodeGone }),
    isCrdTerminating,
    chain: chain.fingerprint,
    nowMs,
    ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
  };
}

/** Ends: every operation brings the block nearer to its goal, and no obstacle is lifted twice. */
function followPlan(first: PlanInput): Path {
  const operations: ForeseenOperation[] = [];
  const obstacles: Obstacle[] = [];
  for (let next = first; ;) {
    const action = plan(next);
    if (action.kind === 'start') {
      const coming = operationsOf(action, next);
      operations.push(...coming);
      obstacles.push(...refusalsOf(coming, next));
      next = { ...next, block: afterOperations(next, coming) };
      continue;
    }
    if (action.kind !== 'wait')
      return { operations, obstacles: [...obstacles, ...obstacleOf(action)], end: endOf(action) };
    obstacles.push({ reason: action.reason, message: action.message });
    const lifted = liftObstacle(action.reason, next);
    if (!lifted) return { operations, obstacles };
    next = { ...next, ...lifted };
  }
}

/** One; an add on a node that brings memory online by itself is followed by that online. */
function operationsOf(
  { request: { type, input }, why }: Extract<Action, { kind: 'start' }>,
  { block: { spec }, node }: PlanInput,
): readonly ForeseenOperation[] {
  const locks = locksOf(type, spec.blockId);
  switch (type) {
    case 'online':
      return [{ type, why, action: 'MEM_GOING_ONLINE', onlineType: input.onlineType, locks }];
    case 'offline':
      return [{ type, why, action: 'MEM_GOING_OFFLINE', locks }];
    case 'remove':
      return [{ type, why, locks }];
    case 'add': {
      const { autoOnline = 'offline' } = node?.spec ?? {};
      const add = { type, why, locks };
      return autoOnline === 'offline' ? [add] : [add, automaticOnline(autoOnline, spec.blockId)];
    }
  }
}

function automaticOnline(onlineType: OnlineType, blockId: number): ForeseenOperation {
  return {
    type: 'online',
    why: `the node brings added memory online by itself (autoOnline: ${onlineType})`,
    action: 'MEM_GOING_ONLINE',
    onlineType,
    isAutomatic: true,
    locks: locksOf('online', blockId),
  };
}

/** What the second look would refuse. */
function refusalsOf(coming: readonly ForeseenOperation[], { node }: PlanInput): readonly Obstacle[] {
  if (!coming.some(({ type }) => type === 'offline')) return [];
  const floor = whyBelowFloor(node, { blockSizeBytes: parseBytes(node?.status?.blockSize ?? '0') });
  return floor === undefined ? [] : [deferred(floor)];
}

/** The object as the agent would report it then. */
function afterOperations({ block, node }: PlanInput, coming: readonly ForeseenOperation[]): MemoryBlock {
  const status = leaveOut(block.status ?? {}, 'state', 'zone');
  const last = coming.at(-1);
  if (last?.type !== 'online') {
    return { ...block, status: { ...status, state: last?.type === 'remove' ? 'absent' : 'offline' } };
  }
  const zone = zoneWhenOnline(node, block.spec.blockId, last.onlineType ?? 'online');
  return { ...block, status: { ...status, state: 'online', zone } };
}

type Final = Exclude<Action, { kind: 'start' | 'wait' }>;

function endOf(action: Final): string {
  if (action.kind === 'settled') return action.message;
  return 'why' in action ? action.why : '';
}

/** An object that is let go while its memory stays behind has not come to where it was asked to. */
function obstacleOf(action: Final): readonly Obstacle[] {
  if (action.kind !== 'drop-finalizer' || action.reason === undefined) return [];
  return [{ reason: action.reason, message: action.why }];
}

function deferred(message: string): Obstacle {
  return { reason: 'Deferred', message };
}

function unknown(message: string): NothingKnown {
  return { kind: 'unknown', message };
}
