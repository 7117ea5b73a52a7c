/** The operator's copies of the cluster's objects, and the controller that is told of their changes. */
import type { KubeConfig } from '@kubernetes/client-node';
import type winston from 'winston';
import type { MemoryBlock, MemoryNotifier, NodeMemory } from '../contract/resources.ts';
import type { Caches, NodeObject } from '../controller/cluster.ts';
import type { Change, Controller } from '../controller/controller.ts';
import { MEMORY_BLOCKS, MEMORY_NOTIFIERS, NODE_MEMORIES, NODES, type ResourceKind } from '../k8s/resource-kind.ts';
import type { KubernetesThing } from '../k8s/object-copy.ts';
import { SelfHealingInformer } from '../k8s/self-healing-informer.ts';
import type { Readiness } from '../process/readiness.ts';

export interface ClusterWatch {
  readonly caches: Caches;
  /** Whether there is a NodeMemory of that name. */
  readonly isNodeKnown: (node: string) => boolean;
  /** One check for each kind that is watched. */
  addChecks(readiness: Readiness): void;
  /** Begins to follow, and tells `controller`; resolves when all copies are complete. */
  follow(controller: Controller): Promise<void>;
  stop(): Promise<void>;
}

export function watchCluster(kubeConfig: KubeConfig, log: winston.Logger): ClusterWatch {
  let controller: Controller | undefined;
  const informer = <T extends KubernetesThing>(kind: ResourceKind, tell: (object: T, change: Change) => void) =>
    new SelfHealingInformer<T>({
      kubeConfig,
      kind,
      onChange: tell,
      onState: (state, error) => {
        if (state === 'synced') log.info('watching', { kind: kind.kind });
        else log.warn('watch interrupted; it heals by itself', { kind: kind.kind, state, error });
      },
    });
  const blocks = informer<MemoryBlock>(MEMORY_BLOCKS, (block, change) => controller?.blockChanged(block, change));
  const nodeMemories = informer<NodeMemory>(NODE_MEMORIES, (node, change) =>
    controller?.nodeMemoryChanged(node, change),
  );
  const notifiers = informer<MemoryNotifier>(MEMORY_NOTIFIERS, (notifier, change) =>
    controller?.notifierChanged(notifier, change),
  );
  const nodes = informer<NodeObject>(NODES, (node, change) => controller?.nodeChanged(node, change));
  const all = [blocks, nodeMemories, notifiers, nodes];
  return {
    caches: { blocks, nodeMemories, notifiers, nodes },
    isNodeKnown: (node) => nodeMemories.get(node) !== undefined,
    addChecks(readiness) {
      for (const one of all) readiness.add(`watch of ${one.kind}`, () => one.check());
    },
    async follow(told) {
      controller = told;
      for (const one of all) one.start();
      await Promise.all(all.map((one) => one.whenSynced()));
    },
    stop: async () => {
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}
