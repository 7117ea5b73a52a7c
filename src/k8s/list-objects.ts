/** All objects of one kind, live. */
import type { KubeConfig } from '@kubernetes/client-node';
import { apiRequest } from './api-request.ts';
import type { ResourceKind } from './resource-kind.ts';

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

interface ListAnswer<T> {
  readonly kind?: string;
  readonly items?: readonly T[];
  readonly metadata?: { readonly resourceVersion?: string };
}

/** Throws an ApiError; and an Error for an answer that is no list, for it must not pass for one without objects. */
export async function listObjects<T>(
  kubeConfig: KubeConfig,
  { path }: ResourceKind,
  fieldSelector?: string,
): Promise<ObjectList<T>> {
  const answer = await apiRequest(kubeConfig, { method: 'GET', path, query: { fieldSelector } });
  const { kind, items, metadata } = (answer ?? {}) as ListAnswer<T>;
  if (!kind?.endsWith('List') || !Array.isArray(items)) {
    throw new Error(`GET ${path} answered no list; check that the kubeconfig names an API server`);
  }
  return { items, resourceVersion: metadata?.resourceVersion ?? '' };
}
