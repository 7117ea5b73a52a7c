/** One Temporal server per mocha process: started by the first test that needs it, stopped when mocha ends. */
import path from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { supervise } from '../../src/dev/supervise.ts';
import { connectTemporal } from '../../src/temporal/connect-temporal.ts';
import { installTestRuntime } from './test-runtime.ts';

export interface SharedTemporal {
  readonly client: Client;
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly address: string;
}

let shared: Promise<SharedTemporal> | undefined;
const cleanups: (() => Promise<unknown>)[] = [];

export function sharedTemporal(): Promise<SharedTemporal> {
  shared ??= start();
  return shared;
}

async function start(): Promise<SharedTemporal> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-temporal-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  const processes = supervise({ logDirectory: directory });
  cleanups.push(() => processes.stopAll());
  const tools = await acquireTools(['temporal']);
  const { address } = await startTemporal({ tools, processes, stateDirectory: directory, headless: true });
  const connections = await connectTemporal(installTestRuntime(), new AbortController().signal, { address });
  if (!connections) throw new Error('unreachable: nothing aborts this wait');
  cleanups.push(() => connections.close());
  return { ...connections, address };
}

after(async function () {
  this.timeout(30_000);
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
