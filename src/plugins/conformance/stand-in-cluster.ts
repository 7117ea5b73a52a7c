/**
 * What an in-process plugin reads of the cluster while it is tested: every node exists, has plenty of memory and no pods;
 * nobody holds a Lease, and what is written to one can be read again.
 */
import type { ClusterReader } from '../cluster-reader.ts';
import type { NodeLease, NodeLeases } from '../node-leases.ts';

const NODE_BYTES = 64 * 2 ** 30;

export const STAND_IN_CLUSTER: ClusterReader = {
  node: (name) => Promise.resolve({ name, capacityBytes: NODE_BYTES, allocatableBytes: NODE_BYTES }),
  podsOnNode: () => Promise.resolve([]),
  nodeMemoryOnlineBytes: () => Promise.resolve(NODE_BYTES),
};

export function standInLeases(): NodeLeases {
  const stored = new Map<string, NodeLease>();
  let versions = 0;
  return {
    read: (namespace, node) => Promise.resolve(stored.get(`${namespace}/${node}`)),
    write: (lease, isDryRun) => {
      const key = `${lease.namespace}/${lease.node}`;
      if (stored.get(key)?.version !== lease.version) return Promise.resolve('conflict');
      if (!isDryRun) stored.set(key, { ...lease, version: String(++versions) });
      return Promise.resolve('written');
    },
  };
}
