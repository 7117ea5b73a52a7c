/** Which cluster this is, in a few characters: the first part of every workflow id and task queue. */
import type { KubeConfig } from '@kubernetes/client-node';
import { apiRequest } from './api-request.ts';

/** 8 hex digits: among 1000 clusters on one Temporal namespace, two get the same with a chance of 1 in 8600. */
const CLUSTER_ID_DIGITS = 8;

/**
 * `configured` (from `--cluster-id` or MEMHP_CLUSTER_ID) where it is set, else from the uid of namespace kube-system, which
 * lives as long as the cluster. Operators and agents must agree: both ask here. Throws an ApiError.
 */
export async function clusterId(kubeConfig: KubeConfig, configured?: string): Promise<string> {
  if (configured !== undefined && configured !== '') return configured;
  const answer = await apiRequest(kubeConfig, { method: 'GET', path: '/api/v1/namespaces/kube-system' });
  const uid = (answer as { metadata?: { uid?: string } }).metadata?.uid ?? '';
  const id = uid.replaceAll('-', '').slice(0, CLUSTER_ID_DIGITS);
  if (id.length < CLUSTER_ID_DIGITS) throw new Error('namespace kube-system has no uid; set MEMHP_CLUSTER_ID instead');
  return id;
}
