/** What speaks against `memhp restore` here and now. */
import type { Client } from '@temporalio/client';
import { nodeLocksWorkflowId, operationsTaskQueue } from '../contract/names.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { isAnyKnown } from '../temporal/is-any-known.ts';
import { whoPolls } from '../temporal/who-polls.ts';
import { say } from './say.ts';

export interface ClusterObjects {
  readonly nodes: readonly NodeMemory[];
  readonly blocks: readonly MemoryBlock[];
}

export interface IntendedRestore {
  readonly cluster: string;
  readonly objects: ClusterObjects;
  /** Workflow ids. */
  readonly open: readonly string[];
  /** Whether it is worth to wait until it is certain that no operator runs. */
  readonly isWaiting: boolean;
}

/** Undefined: nothing. */
export async function whyNotNow(client: Client, intended: IntendedRestore): Promise<string | undefined> {
  const wrongPlace = await whyNotHere(client, intended);
  if (wrongPlace !== undefined || !intended.isWaiting) return wrongPlace;
  const polling = await whoPolls(client, operationsTaskQueue(intended.cluster), {
    onWait: (identities) => {
      say(`${identities.join(', ')} polled not long ago; waiting up to 75 s to see whether they still do`);
    },
  });
  if (polling.length === 0) return undefined;
  const remedy = 'kubectl -n memhp-system scale deployment/memhp-operator --replicas=0, wait until its pods are gone';
  return `operators run (${polling.join(', ')}): ${remedy}, and repeat`;
}

/** Any run will do: the recorded one may have begun after the backup. */
async function whyNotHere(client: Client, { cluster, objects, open }: IntendedRestore): Promise<string | undefined> {
  const recorded = objects.nodes.filter(({ status }) => status?.lockService !== undefined);
  if (recorded.length === 0 || open.length > 0) return undefined;
  const lockServices = recorded.map(({ metadata }) => ({ workflowId: nodeLocksWorkflowId(cluster, metadata.name) }));
  if (await isAnyKnown(client, lockServices)) return undefined;
  return (
    `namespace ${client.options.namespace} knows none of the ${String(recorded.length)} lock workflows of cluster ${cluster}: ` +
    'check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (or the profile) and --cluster-id. ' +
    'If it is the right server and it started empty, nothing is to be done'
  );
}
