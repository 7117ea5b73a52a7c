/** What `plan` would be told if somebody removed the obstacle that it has named, to learn what would come after. */
import type { Reason } from '../contract/conditions.ts';
import { PAUSED_ANNOTATION } from '../contract/names.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { leaveOut } from './leave-out.ts';
import type { PlanInput } from './plan.ts';

type Lifted = Partial<Pick<PlanInput, 'block' | 'node'>>;

/** Undefined: nothing is to be seen beyond this one. Never answers twice for the same obstacle. */
export function liftObstacle(reason: Reason, { block, node }: PlanInput): Lifted | undefined {
  if (reason === 'Paused') return withoutPause(block);
  if (reason === 'Drifted') return withCorrection(block);
  return reason === 'AgentUnavailable' ? withAgent(node) : undefined;
}

function withoutPause(block: MemoryBlock): Lifted | undefined {
  const { annotations = {} } = block.metadata;
  if (annotations[PAUSED_ANNOTATION] === undefined) return undefined;
  return {
    block: { ...block, metadata: { ...block.metadata, annotations: leaveOut(annotations, PAUSED_ANNOTATION) } },
  };
}

function withCorrection(block: MemoryBlock): Lifted | undefined {
  if (block.spec.driftPolicy === 'Correct') return undefined;
  return { block: { ...block, spec: { ...block.spec, driftPolicy: 'Correct' } } };
}

/** One that never reported what it can do leaves nothing to foresee. */
function withAgent(node: NodeMemory | undefined): Lifted | undefined {
  if (node?.status?.capabilities === undefined) return undefined;
  const { conditions = [] } = node.status;
  const others = conditions.filter(({ type, status }) => type !== 'AgentReady' || status !== 'False');
  if (others.length === conditions.length) return undefined;
  return { node: { ...node, status: { ...node.status, conditions: others } } };
}
