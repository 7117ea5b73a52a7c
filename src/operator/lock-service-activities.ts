/** The activities of the lock entities: facts about runs and nodes, the record of the epoch, events for people. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import type { LockServiceActivities } from '../contract/activities.ts';
import type { NodeMemory } from '../contract/resources.ts';
import type { Cluster, NodeObject } from '../controller/cluster.ts';
import { whyNodeIsGone } from '../controller/node-presence.ts';
import { closedRuns } from '../temporal/closed-runs.ts';
import { recoverLockTable } from '../temporal/recover-lock-table.ts';
import { createLockServiceClaims } from './claim-lock-service.ts';
import { whileHeartbeating } from './while-heartbeating.ts';

export interface LockServiceActivitiesOptions {
  readonly kubeConfig: KubeConfig;
  readonly client: Client;
  readonly cluster: Pick<Cluster, 'readNodeMemory' | 'readNode'>;
  readonly events: Pick<LockServiceActivities, 'reportLockdep' | 'auditLockRelease'>;
}

export function createLockServiceActivities(options: LockServiceActivitiesOptions): LockServiceActivities {
  const { kubeConfig, client, cluster, events } = options;
  return {
    ...createLockServiceClaims(kubeConfig),
    ...events,
    recoverLockTable: (input) => whileHeartbeating(() => recoverLockTable(client, input)),
    async describeHolders({ node, holders }) {
      const [closed, nodeIsOver] = await Promise.all([closedRuns(client, holders), whyNodeIsOver(cluster, node)]);
      return { closed, ...(nodeIsOver === undefined ? {} : { nodeIsOver }) };
    },
  };
}

/**
 * Nothing is in progress on a node that has left the cluster, or has booted again since its agent last reported. A NodeMemory
 * that was deleted while its Node is still there says nothing about the node.
 */
async function whyNodeIsOver(
  cluster: LockServiceActivitiesOptions['cluster'],
  name: string,
): Promise<string | undefined> {
  const [nodeMemory, node] = await Promise.all([cluster.readNodeMemory(name), cluster.readNode(name)]);
  if (!node) return whyNodeIsGone(name, nodeMemory, node);
  return nodeMemory && whyBootIsOver(nodeMemory, node);
}

/**
 * Kubelet and agent report a boot separately, in either order: that they differ may also mean that the kubelet is behind. It is
 * not where both have told of the boot that the agent reports, which `status.kubelet` records. A Node that was deleted and
 * registered again by the same kubelet is in the same boot, and so is whatever goes on there.
 */
function whyBootIsOver({ metadata: { name }, spec, status }: NodeMemory, node: NodeObject): string | undefined {
  const reported = status?.bootId;
  const current = node.status?.nodeInfo?.bootID;
  // The boots of a simulated node are its own.
  if (status?.driver === 'simulated' || spec.simulated) return undefined;
  if (!reported || !current || reported === current || status.kubelet?.bootId !== reported) return undefined;
  return `${name} has booted again (${current}) since its agent last reported (${reported})`;
}
