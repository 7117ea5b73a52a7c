/** Whether a MemoryNotifier is registered, as its Ready condition. */
import type { Condition, MemoryNotifier } from '../contract/resources.ts';

type Judgement = Pick<Condition, 'status' | 'reason' | 'message'>;

/** `problem`: what is wrong with its plugin's name, config or address, and what to do. */
export function notifierConditions(
  { metadata, spec, status }: MemoryNotifier,
  problem: string | undefined,
  nowMs: number,
): readonly Condition[] {
  const before = status?.conditions?.find(({ type }) => type === 'Ready');
  const judgement = judge(spec.suspend === true, problem);
  const condition: Condition = {
    type: 'Ready',
    ...judgement,
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime:
      before?.status === judgement.status
        ? before.lastTransitionTime
        : `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  };
  return [condition];
}

function judge(isSuspended: boolean, problem: string | undefined): Judgement {
  if (problem !== undefined) return { status: 'False', reason: 'Invalid', message: problem };
  if (isSuspended) return { status: 'False', reason: 'Suspended', message: 'is not asked while spec.suspend is true' };
  return { status: 'True', reason: 'Registered', message: 'is asked from the next operation on' };
}
