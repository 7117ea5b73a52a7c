/** One side of the comparison, as the measurements see it. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { operationsTaskQueue } from '../../src/contract/names.ts';
import type { EtcdClient, EtcdSession } from '../etcd/etcd-lock.ts';
import type { WorkflowVariant } from './variants.ts';
import { LOCK_SET, type TakenLocks, type Taking } from './workflows/taking.ts';

export interface Contestant {
  readonly name: string;
  /** Takes the lock set of `node` and gives it back. */
  take(node: string): Promise<TakenLocks>;
  /** Functions that each take and give back once, as from `count` places: made ready before the clock starts. */
  crowd(node: string, count: number): Promise<readonly (() => Promise<TakenLocks>)[]>;
}

export function workflowContestant(client: Client, variant: WorkflowVariant): Contestant {
  const { name, cluster, requester } = variant;
  const take = (node: string): Promise<TakenLocks> =>
    client.workflow.execute<(taking: Taking) => Promise<TakenLocks>>(requester, {
      workflowId: `${cluster}/requester/${randomUUID()}`,
      taskQueue: operationsTaskQueue(cluster),
      args: [{ cluster, node }],
    });
  const crowd = (node: string, count: number) => Promise.resolve(Array.from({ length: count }, () => () => take(node)));
  return { name, take, crowd };
}

/** `session` is that of the uncontended measurement; of a crowd each has its own. */
export function etcdContestant(etcd: EtcdClient, session: EtcdSession): Contestant {
  const takeWith = async (own: EtcdSession, node: string): Promise<TakenLocks> => {
    const startedMs = performance.now();
    const keys: string[] = [];
    for (const lock of LOCK_SET) keys.push(await own.acquire(`${node}/${lock}`, 'write'));
    const waitMs = performance.now() - startedMs;
    for (const key of keys.reverse()) await own.release(key);
    return { waitMs, tokens: [] };
  };
  return {
    name: 'etcd',
    take: (node) => takeWith(session, node),
    crowd: async (node, count) => {
      const sessions = await Promise.all(Array.from({ length: count }, () => etcd.openSession()));
      return sessions.map((own) => () => takeWith(own, node).finally(() => own.close()));
    },
  };
}
