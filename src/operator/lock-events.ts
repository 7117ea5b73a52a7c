/** What the lock service tells about a node: warning events on its NodeMemory, and the same in the log. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { LockServiceActivities } from '../contract/activities.ts';
import type { NodeEventReason } from '../contract/conditions.ts';
import { OPERATOR_FIELD_MANAGER } from '../contract/names.ts';
import type { NodeMemory } from '../contract/resources.ts';
import type { Log } from '../controller/cluster.ts';
import { EventRecorder } from '../k8s/event-recorder.ts';
import { ResourceClient } from '../k8s/resource-client.ts';
import { NODE_MEMORIES } from '../k8s/resource-kind.ts';

export interface LockEventsOptions {
  readonly kubeConfig: KubeConfig;
  /** Which of several operators this is; shown in events. */
  readonly instance: string;
  readonly log: Log;
}

interface Told {
  readonly reason: NodeEventReason;
  readonly action: string;
  readonly note: string;
  /** What makes this event another one than the last of its reason. */
  readonly about: string;
}

/** Both reject while the API server cannot be reached, so that the activity is tried again; a repeat is told once. */
export function createLockEvents(
  options: LockEventsOptions,
): Pick<LockServiceActivities, 'reportLockdep' | 'auditLockRelease'> {
  const { kubeConfig, instance, log } = options;
  const nodes = new ResourceClient<NodeMemory>(kubeConfig, NODE_MEMORIES, OPERATOR_FIELD_MANAGER);
  const events = new EventRecorder(kubeConfig, instance);

  async function tell(node: string, { reason, action, note, about }: Told): Promise<void> {
    log.warn('lock service', { node, reason, detail: note });
    const metadata = (await nodes.get(node))?.metadata;
    // A node that has left the cluster has nobody to tell; the log and the lock workflow's history have it.
    if (!metadata) return;
    const key = [metadata.uid ?? node, reason, about].join('/');
    await events.record(NODE_MEMORIES, metadata, { type: 'Warning', reason, action, note, key }, Date.now());
  }

  return {
    reportLockdep: ({ node, report: { cycle, chains, message } }) =>
      tell(node, {
        reason: 'LockOrderInversion',
        action: 'ValidateLockOrder',
        note: message,
        about: [...cycle, ...chains.map(({ runId }) => runId)].join(','),
      }),

    auditLockRelease: ({ node, lock, token, holder, purpose, by, reason, isUnsafe }) =>
      tell(node, {
        reason: 'LockReleased',
        action: 'ReleaseLock',
        note:
          `${by} released ${lock} (token ${String(token)}) of ${purpose}, workflow ${holder.workflowId}, ` +
          `${isUnsafe ? 'without making sure that the node has stopped to work for it' : 'after the node had settled the token'}: ` +
          reason,
        about: `${lock},${String(token)}`,
      }),
  };
}
