/** The operator's activities: the second look, the plugins, and the outcome. Decisions are the controller's pure functions. */
import { Context } from '@temporalio/activity';
import type { OperationActivities } from '../contract/activities.ts';
import type { BlockReference } from '../contract/operations.ts';
import type { MemoryBlock, MemoryBlockStatus, MemoryNotifier } from '../contract/resources.ts';
import type { Cluster } from '../controller/cluster.ts';
import { lookAgain } from '../controller/look-again.ts';
import { applyOutcome } from '../controller/record-outcome.ts';
import { registeredNotifiers } from '../controller/registered-notifiers.ts';
import type { PluginHost } from '../plugins/in-process/plugin-host.ts';

export interface OperationActivitiesOptions {
  readonly cluster: Cluster;
  /** Read live: what is registered counts from the moment `kubectl apply` returned. */
  readonly listNotifiers: () => Promise<readonly MemoryNotifier[]>;
  readonly plugins: PluginHost;
}

/** Well below the silence after which an operator counts as dead. */
const HEARTBEAT_MS = 1_000;

export function createOperationActivities(options: OperationActivitiesOptions): OperationActivities {
  const { cluster, listNotifiers, plugins } = options;
  return {
    lookAgain: (input) =>
      whileHeartbeating(async () => {
        const [block, node, nodeObject, notifiers, isCrdTerminating] = await Promise.all([
          input.block ? cluster.readBlock(input.block.name) : undefined,
          cluster.readNodeMemory(input.node),
          cluster.readNode(input.node),
          listNotifiers(),
          cluster.isCrdTerminating(),
        ]);
        const chain = registeredNotifiers(notifiers, block?.metadata.labels, nodeObject?.metadata.labels);
        const result = lookAgain(input, { block, node, isCrdTerminating, chain });
        if (result.verdict === 'proceed' && block && input.block) {
          const { type, owner, startTime } = input;
          const { generation } = input.block;
          await write(cluster, block, {
            ...block.status,
            operation: { type, ...owner, startTime, generation, phase: 'Driving' },
          });
        }
        return result;
      }),

    callNotifier: ({ notifier, event }) => whileHeartbeating(() => plugins.call(notifier, event)),

    async recordOutcome({ block: reference, owner, outcome }) {
      const block = await cluster.readBlock(reference.name);
      if (!isSame(block, reference)) return;
      const ended = { outcome, runId: owner.runId, generation: reference.generation, nowMs: Date.now() };
      await write(cluster, block, applyOutcome(block.status ?? {}, ended));
    },
  };
}

/** Tells that this operator lives while it works: the locks of a node are held meanwhile. */
async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const heart = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heart);
  }
}

/** The object may have been deleted and created anew under the same name. */
function isSame(block: MemoryBlock | undefined, { uid }: BlockReference): block is MemoryBlock {
  return block?.metadata.uid === uid;
}

/** Throws on a conflict, so that the activity is tried again and reads anew. An object that is gone needs no status. */
async function write(cluster: Cluster, block: MemoryBlock, status: MemoryBlockStatus): Promise<void> {
  const result = await cluster.writeBlockStatus(block, status);
  if (result === 'conflict') throw new Error(`${block.metadata.name} was changed in between; reading it again`);
}
