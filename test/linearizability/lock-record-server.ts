/**
 * What NodeMemory.status.lockService is in a cluster: one record per node, replaced by compare-and-set. Here it lives in the
 * process that runs everything, and the workers reach it over HTTP.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LockServiceRecord } from '../../src/kernel/lock-epoch.ts';

export interface VersionedRecord {
  readonly version: number;
  readonly record?: LockServiceRecord;
}

export interface LockRecordServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** GET /<node> answers the record with its version; PUT of both replaces it, or answers 409 when the version has passed. */
export async function startLockRecordServer(): Promise<LockRecordServer> {
  const records = new Map<string, VersionedRecord>();
  const server = createServer((request, response) => {
    void (async () => {
      const node = request.url ?? '';
      const present = records.get(node) ?? { version: 0 };
      if (request.method !== 'PUT') {
        response.end(JSON.stringify(present));
        return;
      }
      const wanted = JSON.parse(await text(request)) as VersionedRecord;
      const isCurrent = wanted.version === (records.get(node)?.version ?? 0);
      if (isCurrent) records.set(node, { ...wanted, version: wanted.version + 1 });
      response.writeHead(isCurrent ? 200 : 409).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, stop };
}

export async function readRecord(url: string, node: string): Promise<VersionedRecord> {
  const response = await fetch(`${url}/${encodeURIComponent(node)}`);
  return (await response.json()) as VersionedRecord;
}

/** Throws when the record has changed since it was read. */
export async function writeRecord(url: string, node: string, next: VersionedRecord): Promise<void> {
  const response = await fetch(`${url}/${encodeURIComponent(node)}`, { method: 'PUT', body: JSON.stringify(next) });
  if (!response.ok) throw new Error(`the lock record of ${node} has changed meanwhile; read it again`);
}
