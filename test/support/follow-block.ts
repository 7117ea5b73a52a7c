import { SelfHealingInformer } from '../../src/k8s/self-healing-informer.ts';
import { MEMORY_BLOCKS } from '../../src/k8s/resource-kind.ts';
import type { MemoryBlock } from '../../src/contract/resources.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** Every version of one MemoryBlock since `followBlock`, as a watch delivers them: no step between two is missed. */
export interface FollowedBlock {
  readonly versions: readonly MemoryBlock[];
  stop(): Promise<void>;
}

/** Resolves once the watch has begun; the object need not exist yet. */
export async function followBlock({ kubeConfig }: SimulatedCluster, name: string): Promise<FollowedBlock> {
  const versions: MemoryBlock[] = [];
  const informer = new SelfHealingInformer<MemoryBlock>({
    kubeConfig,
    kind: MEMORY_BLOCKS,
    fieldSelector: `metadata.name=${name}`,
    onChange: (block) => versions.push(block),
  });
  informer.start();
  await informer.whenSynced();
  return { versions, stop: () => informer.stop() };
}

/** `values` without repeats that stand side by side: `a a b a` → `a b a`. */
export function stepsOf<T>(values: readonly T[]): readonly T[] {
  return values.filter((value, index) => index === 0 || value !== values[index - 1]);
}
