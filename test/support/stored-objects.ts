/** An API server that keeps a few objects: they can be read, listed, and their status applied at the version that was read. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import type { ResourceKind } from '../../src/k8s/resource-kind.ts';

interface StoredObject {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly status?: object;
}

const KUBE_SYSTEM = { path: '/api/v1/namespaces' };

export class StoredObjects {
  readonly kubeConfig = new KubeConfig();
  /** Names of the objects whose status was applied. */
  readonly written: string[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const server = `http://127.0.0.1:${String(port)}`;
    this.kubeConfig.loadFromClusterAndUser({ name: 'stored', server, skipTLSVerify: true }, { name: 'anyone' });
    this.put(KUBE_SYSTEM, { metadata: { name: 'kube-system' } });
    return this;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Replaces the object of that name. */
  put({ path }: Pick<ResourceKind, 'path'>, object: StoredObject): void {
    this.#objects.set(`${path}/${object.metadata.name}`, withVersion(object, '1'));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    const [code, body] = request.method === 'PATCH' ? await this.#apply(pathname, request) : this.#read(pathname);
    response.writeHead(code, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  #read(pathname: string): [number, object] {
    const object = this.#objects.get(pathname);
    if (object) return [200, object];
    const items = [...this.#objects].flatMap(([path, one]) => (path.startsWith(`${pathname}/`) ? [one] : []));
    return [200, { kind: 'List', items }];
  }

  async #apply(pathname: string, request: IncomingMessage): Promise<[number, object]> {
    const applied = (await json(request)) as StoredObject;
    const path = pathname.replace(/\/status$/, '');
    const known = this.#objects.get(path);
    if (!known) return [404, { kind: 'Status', reason: 'NotFound' }];
    const { name, resourceVersion } = applied.metadata;
    if (resourceVersion !== undefined && resourceVersion !== known.metadata.resourceVersion) {
      return [409, { kind: 'Status', reason: 'Conflict' }];
    }
    this.written.push(name);
    const next = { ...known, status: { ...known.status, ...applied.status } };
    this.#objects.set(path, withVersion(next, String(Number(known.metadata.resourceVersion) + 1)));
    return [200, next];
  }
}

function withVersion(object: StoredObject, resourceVersion: string): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}
