/** Lists and watches of one collection over plain HTTP, with faults on demand: what an informer has to outlive. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

export interface FakeObject {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly value: number;
}

interface HistoryEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: FakeObject;
  readonly version: number;
}

const [GROUP, VERSION, RESOURCE] = ['example.test', 'v1', 'things'];
/** What the API server answers for a path that it does not know. */
const PATH_NOT_FOUND = '404 page not found\n';

/** Where the objects are. */
export const FAKE_COLLECTION = `/apis/${GROUP}/${VERSION}/${RESOURCE}`;

/** `server.fail = code` makes every request answer that; `compact()` forgets history, so that old watches get 410. */
export class FakeApiServer {
  fail: number | undefined;
  failWatches: number | undefined;
  /** Whether the server knows the kind. */
  isInstalled = true;
  /** Whether it knows other kinds of the same group. */
  isGroupInstalled = true;
  /** What a load balancer that has lost the server answers to everything. */
  balancer: { readonly code: number; readonly body: string } | undefined;
  lists = 0;
  watches = 0;
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });
  private readonly open = new Set<ServerResponse>();
  private readonly objects = new Map<string, FakeObject>();
  private history: HistoryEvent[] = [];
  private version = 1;
  private oldest = 1;

  async listen(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as AddressInfo;
    const config = new KubeConfig();
    const server = `http://127.0.0.1:${String(port)}`;
    config.loadFromClusterAndUser({ name: 'fake', server, skipTLSVerify: true }, { name: 'anyone' });
    return config;
  }

  async close(): Promise<void> {
    this.dropWatches();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  put(name: string, value: number): void {
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED';
    const object = { metadata: { name, resourceVersion: String(++this.version) }, value };
    this.objects.set(name, object);
    this.record({ type, object, version: this.version });
  }

  remove(name: string): void {
    const object = this.objects.get(name);
    if (!object) return;
    this.objects.delete(name);
    const last = { ...object, metadata: { name, resourceVersion: String(++this.version) } };
    this.record({ type: 'DELETED', object: last, version: this.version });
  }

  /** Forgets what happened so far. */
  compact(): void {
    this.oldest = this.version;
    this.history = [];
  }

  /** Cuts every open watch off in the middle. */
  dropWatches(): void {
    for (const response of this.open) response.destroy();
    this.open.clear();
  }

  /** Says 410 on every open watch, as the server does when it falls behind. */
  expireWatches(): void {
    for (const response of this.open) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
    }
    this.open.clear();
  }

  get openWatches(): number {
    return this.open.size;
  }

  values(): Record<string, number> {
    return Object.fromEntries([...this.objects.values()].map(({ metadata, value }) => [metadata.name, value]));
  }

  private record(event: HistoryEvent): void {
    this.history.push(event);
    for (const response of this.open) response.write(lineOf(event));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const isCollection = url.pathname === FAKE_COLLECTION;
    if (this.balancer) response.writeHead(this.balancer.code).end(this.balancer.body);
    else if (isCollection && this.isInstalled) this.answerCollection(url, response);
    else {
      const served = isCollection ? undefined : this.served(url.pathname);
      response.writeHead(served ? 200 : 404).end(served ? JSON.stringify(served) : PATH_NOT_FOUND);
    }
  }

  /** What the server tells of what it serves. */
  private served(path: string): object | undefined {
    const isGroupServed = this.isInstalled || this.isGroupInstalled;
    const groups = isGroupServed ? [{ name: GROUP, versions: [{ version: VERSION }] }] : [];
    if (path === '/apis') return { kind: 'APIGroupList', groups };
    if (path !== `/apis/${GROUP}/${VERSION}` || !isGroupServed) return undefined;
    const resources = [{ name: 'others' }, ...(this.isInstalled ? [{ name: RESOURCE }] : [])];
    return { kind: 'APIResourceList', groupVersion: `${GROUP}/${VERSION}`, resources };
  }

  private answerCollection(url: URL, response: ServerResponse): void {
    const isWatch = url.searchParams.get('watch') === 'true';
    if (isWatch) this.watches++;
    else this.lists++;
    const code = this.fail ?? (isWatch ? this.failWatches : undefined);
    if (code !== undefined) {
      response.writeHead(code, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code, message: 'as the test asked' }));
    } else if (isWatch) this.startWatch(Number(url.searchParams.get('resourceVersion')), response);
    else {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const metadata = { resourceVersion: String(this.version) };
      response.end(JSON.stringify({ kind: 'ThingList', metadata, items: [...this.objects.values()] }));
    }
  }

  private startWatch(from: number, response: ServerResponse): void {
    if (from < this.oldest) {
      response.writeHead(410, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired' }));
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    for (const event of this.history.filter(({ version }) => version > from)) response.write(lineOf(event));
    this.open.add(response);
    response.on('close', () => this.open.delete(response));
  }
}

function lineOf({ type, object }: HistoryEvent): string {
  return `${JSON.stringify({ type, object })}\n`;
}
