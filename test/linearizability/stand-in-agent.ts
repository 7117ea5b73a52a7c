/** The agent of one node, in the process that owns the fence and the clock. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker, type NativeConnection } from '@temporalio/worker';
import type { NodeActivities } from '../../src/contract/activities.ts';
import { nodeTaskQueue } from '../../src/contract/names.ts';
import type { FenceActivities, UseInput } from './client-script.ts';
import type { Fence } from './fence.ts';
import type { ObservedClient } from './observed-client.ts';

export interface StandInAgentOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly cluster: string;
  readonly node: string;
  readonly fence: Fence;
  /** By workflow id. */
  readonly clients: ReadonlyMap<string, ObservedClient>;
}

export async function createStandInAgent(options: StandInAgentOptions): Promise<Worker> {
  const { connection, namespace, cluster, node, fence, clients } = options;
  const activities: FenceActivities & Omit<NodeActivities, 'driverStep'> = {
    use: (input) => use(fence, clients, input),
    settle: (input) => fence.settle(input),
    inspect: () =>
      Promise.resolve({
        bootId: 'boot-1',
        blockSizeBytes: 2 ** 27,
        capabilities: { add: true, remove: true, online: true, offline: true },
        blocks: [],
      }),
    beginWrite: () => Promise.resolve({ kind: 'begun' }),
    endWrite: () => Promise.resolve(),
  };
  return Worker.create({
    connection,
    namespace,
    taskQueue: nodeTaskQueue(cluster, node),
    activities: { ...activities },
  });
}

async function use(
  fence: Fence,
  clients: ReadonlyMap<string, ObservedClient>,
  { node, owner, step, tokens, holdMs }: UseInput,
): Promise<{ isAccepted: boolean }> {
  const client = clients.get(owner.workflowId);
  if (!client) throw new Error(`nobody knows the client ${owner.workflowId}`);
  const fenced = Object.fromEntries(client.writeLocksAt(step).map((lock) => [lock, tokens[lock] ?? 0]));
  const stale = fence.admit(node, owner.runId, fenced);
  const ended = client.use(step, tokens, stale);
  if (stale.length === 0) {
    await fence.during(node, fenced, async (interrupted) => {
      await Promise.race([delay(holdMs), interrupted]);
      ended();
    });
  } else ended();
  return { isAccepted: stale.length === 0 };
}
