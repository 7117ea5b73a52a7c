/** Where the API server keeps the objects that this project reads and writes. */
import { API_GROUP, API_VERSION } from '../contract/names.ts';

export interface ResourceKind {
  readonly apiVersion: string;
  readonly kind: string;
  /** Path of the collection, all namespaces. */
  readonly path: string;
}

function custom(kind: string, plural: string): ResourceKind {
  const apiVersion = `${API_GROUP}/${API_VERSION}`;
  return { apiVersion, kind, path: `/apis/${apiVersion}/${plural}` };
}

export const MEMORY_BLOCKS = custom('MemoryBlock', 'memoryblocks');
export const NODE_MEMORIES = custom('NodeMemory', 'nodememories');
export const MEMORY_NOTIFIERS = custom('MemoryNotifier', 'memorynotifiers');
export const NODES: ResourceKind = { apiVersion: 'v1', kind: 'Node', path: '/api/v1/nodes' };
export const PODS: ResourceKind = { apiVersion: 'v1', kind: 'Pod', path: '/api/v1/pods' };
