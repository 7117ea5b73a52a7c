/** Writes a field manager's part of a status by server-side apply. */
import type { KubeConfig } from '@kubernetes/client-node';
import { apiRequest } from './api-request.ts';
import type { ResourceKind } from './resource-kind.ts';

export interface StatusApplication {
  readonly kind: ResourceKind;
  readonly name: string;
  /** All that the manager owns: a field that it applied before and leaves out now is removed. */
  readonly status: object;
  readonly fieldManager: string;
  /** Refused with a conflict (409) when the object is at another version; unset: last writer wins. */
  readonly resourceVersion?: string;
  readonly timeoutMs?: number;
}

/** Throws an ApiError; 404 when the object does not exist, because a status alone creates nothing. */
export async function applyStatus(kubeConfig: KubeConfig, application: StatusApplication): Promise<void> {
  const { kind, name, status, fieldManager, resourceVersion, timeoutMs } = application;
  await apiRequest(kubeConfig, {
    method: 'PATCH',
    path: `${kind.path}/${encodeURIComponent(name)}/status`,
    query: { fieldManager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: resourceVersion === undefined ? { name } : { name, resourceVersion },
      status,
    },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}
