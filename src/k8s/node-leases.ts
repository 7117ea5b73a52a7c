import type { KubeConfig, V1Node } from '@kubernetes/client-node';
import { OPERATOR_FIELD_MANAGER } from '../contract/names.ts';
import type { LeaseWriteResult, NodeLease, NodeLeases } from '../plugins/node-leases.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import { isLeaseOf, LEASE_LABELS, leaseObject, parseLease, type LeaseObject } from './lease-object.ts';
import { NODES } from './resource-kind.ts';

/** Reads and writes the API server at every call; compare-and-set by resourceVersion. */
export function createNodeLeases(kubeConfig: KubeConfig): NodeLeases {
  return {
    async read(namespace, node) {
      const lease = await getLease(kubeConfig, namespace, node);
      return lease && parseLease(namespace, node, lease);
    },
    write: (lease, isDryRun) =>
      lease.version === undefined ? create(kubeConfig, lease, isDryRun) : update(kubeConfig, lease, isDryRun),
  };
}

async function create(kubeConfig: KubeConfig, lease: NodeLease, isDryRun: boolean): Promise<LeaseWriteResult> {
  const object = leaseObject(lease);
  const owner = await ownerOf(kubeConfig, lease.node);
  const metadata = {
    ...object.metadata,
    name: leaseName(lease.node),
    ...(owner ? { ownerReferences: [owner] } : { labels: LEASE_LABELS }),
  };
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...object, metadata };
  const path = collectionPath(lease.namespace);
  try {
    await apiRequest(kubeConfig, { method: 'POST', path, query: queryOf(isDryRun), body });
    return 'written';
  } catch (error) {
    if (isConflict(error)) return 'conflict';
    if (isNotFound(error)) return 'no-namespace';
    throw error;
  }
}

/** A merge patch: null removes, what is not named stays. It fits only the version that was looked at. */
async function update(kubeConfig: KubeConfig, lease: NodeLease, isDryRun: boolean): Promise<LeaseWriteResult> {
  const stored = await getLease(kubeConfig, lease.namespace, lease.node);
  if (stored?.metadata.resourceVersion !== lease.version) return 'conflict'; // who deletes it has changed it, too
  try {
    await apiRequest(kubeConfig, {
      method: 'PATCH',
      path: leasePath(lease.namespace, lease.node),
      query: queryOf(isDryRun),
      contentType: 'application/merge-patch+json',
      body: leaseObject(lease),
    });
    return 'written';
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return 'conflict';
    throw error;
  }
}

/** So that the Lease goes with its Node. A simulated node need not have one. */
async function ownerOf(kubeConfig: KubeConfig, name: string): Promise<object | undefined> {
  const node = await getOrUndefined<V1Node>(kubeConfig, `${NODES.path}/${encodeURIComponent(name)}`);
  const uid = node?.metadata?.uid;
  return uid === undefined ? undefined : { apiVersion: NODES.apiVersion, kind: NODES.kind, name, uid };
}

/** Rejects where something else has a Lease of that name. */
async function getLease(kubeConfig: KubeConfig, namespace: string, node: string): Promise<LeaseObject | undefined> {
  const lease = await getOrUndefined<LeaseObject>(kubeConfig, leasePath(namespace, node));
  if (lease === undefined || isLeaseOf(node, lease)) return lease;
  throw new Error(
    `Lease ${leaseName(node)} in ${namespace} is none of node ${node}: no Node of that name owns it. Use the namespace that your ` +
      'remediation operators use; if it is left over from one of them, delete it',
  );
}

async function getOrUndefined<Kind>(kubeConfig: KubeConfig, path: string): Promise<Kind | undefined> {
  try {
    return (await apiRequest(kubeConfig, { method: 'GET', path })) as Kind;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function queryOf(isDryRun: boolean): Readonly<Record<string, string | undefined>> {
  return { fieldManager: OPERATOR_FIELD_MANAGER, dryRun: isDryRun ? 'All' : undefined };
}

function leaseName(node: string): string {
  return `node-${node}`.toLowerCase();
}

function collectionPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
}

function leasePath(namespace: string, node: string): string {
  return `${collectionPath(namespace)}/${encodeURIComponent(leaseName(node))}`;
}
