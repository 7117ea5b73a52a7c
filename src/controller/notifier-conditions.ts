/** Whether a MemoryNotifier is registered, as its Ready condition. */
import type { Condition, MemoryNotifier } from '../contract/resources.ts';

/** `problem`: what is wrong with its plugin's name or config, and what to do. */
export function notifierConditions(
  { metadata, status }: MemoryNotifier,
  problem: string | undefined,
  nowMs: number,
): readonly Condition[] {
  const before = status?.conditions?.find(({ type }) => type === 'Ready');
  const isReady = problem === undefined ? 'True' : 'False';
  const condition: Condition = {
    type: 'Ready',
    status: isReady,
    reason: problem === undefined ? 'Registered' : 'InvalidPlugin',
    message: problem ?? 'the plugin is known and its config is valid',
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime:
      before?.status === isReady ? before.lastTransitionTime : `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  };
  return [condition];
}
