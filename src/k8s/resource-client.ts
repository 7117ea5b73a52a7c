/** Live reads of one kind, and writes that succeed only on the version that was read. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { ObjectMeta } from '../contract/resources.ts';
import type { WriteResult } from '../controller/cluster.ts';
import { isAlreadyExists, isConflict, isNotFound } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import { applyStatus } from './apply-status.ts';
import { listObjects } from './list-objects.ts';
import type { ResourceKind } from './resource-kind.ts';

interface Identified {
  readonly metadata: ObjectMeta;
}

/** Every method throws an ApiError for what is not a value here: no permission, an invalid object, no answer. */
export class ResourceClient<T extends Identified> {
  readonly #kubeConfig: KubeConfig;
  readonly #kind: ResourceKind;
  readonly #fieldManager: string;

  constructor(kubeConfig: KubeConfig, kind: ResourceKind, fieldManager: string) {
    this.#kubeConfig = kubeConfig;
    this.#kind = kind;
    this.#fieldManager = fieldManager;
  }

  /** Undefined when there is no such object, or no such kind. */
  async get(name: string): Promise<T | undefined> {
    try {
      return (await apiRequest(this.#kubeConfig, { method: 'GET', path: this.#pathOf(name) })) as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list(): Promise<readonly T[]> {
    return (await listObjects<T>(this.#kubeConfig, this.#kind)).items;
  }

  /** `exists`: there is an object of that name, which stays as it is. */
  async create(object: object): Promise<'created' | 'exists'> {
    const { apiVersion, kind, path } = this.#kind;
    const query = { fieldManager: this.#fieldManager };
    try {
      await apiRequest(this.#kubeConfig, { method: 'POST', path, query, body: { apiVersion, kind, ...object } });
      return 'created';
    } catch (error) {
      if (isAlreadyExists(error)) return 'exists';
      throw error;
    }
  }

  /** Applies this field manager's part of the status to `object` as it was read. */
  writeStatus({ metadata }: T, status: object): Promise<WriteResult> {
    return outcomeOf(
      applyStatus(this.#kubeConfig, {
        kind: this.#kind,
        name: metadata.name,
        status,
        fieldManager: this.#fieldManager,
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      }),
    );
  }

  /** Replaces the finalizers of `object` as it was read: all of them, others' included. */
  writeFinalizers({ metadata }: T, finalizers: readonly string[]): Promise<WriteResult> {
    const { name, resourceVersion } = metadata;
    return outcomeOf(
      apiRequest(this.#kubeConfig, {
        method: 'PATCH',
        path: this.#pathOf(name),
        query: { fieldManager: this.#fieldManager },
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion, finalizers } },
      }),
    );
  }

  #pathOf(name: string): string {
    return `${this.#kind.path}/${encodeURIComponent(name)}`;
  }
}

async function outcomeOf(write: Promise<unknown>): Promise<WriteResult> {
  try {
    await write;
    return 'written';
  } catch (error) {
    if (isConflict(error)) return 'conflict';
    if (isNotFound(error)) return 'gone';
    throw error;
  }
}
