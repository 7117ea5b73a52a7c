/** A real Temporal server, with its UI, on loopback ports. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import type { ToolPaths } from './acquire-tool.ts';
import { startOnFreePort } from './start-on-free-port.ts';
import type { ProcessGroup, SupervisedChild } from './supervise.ts';
import { waitUntilReady } from './wait-until-ready.ts';

const READY_TIMEOUT_MS = 30_000;
const NAMESPACE = 'default';

/**
 * The development server has one history shard, which by default looks for work 20 times a second: every hop between
 * two workflows would wait for the next 50 ms tick. Lifting the limit makes an operation 3 to 5 times faster.
 */
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
} as const;

/** What every development server of ours is started with, wherever it runs. */
export const DEVELOPMENT_SERVER_ARGUMENTS: readonly string[] = [
  ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${String(value)}`]),
  // The user's own Temporal profile must not reach into this server.
  ...['--disable-config-env', '--disable-config-file'],
];

export interface TemporalOptions {
  readonly tools: ToolPaths<'temporal'>;
  /** Owns the process and its log. */
  readonly processes: ProcessGroup;
  /** Holds the database; created when missing. Workflows of an earlier run there go on. */
  readonly stateDirectory: string;
  /** Without the UI. */
  readonly headless?: boolean;
  /** Instead of free ports: for a server whose address must be known before it runs. */
  readonly ports?: { readonly grpc: number; readonly ui: number };
}

export interface TemporalServer {
  /** `127.0.0.1:<port>`; stays the same over restarts. */
  readonly address: string;
  readonly namespace: string;
  /** Nobody answers there when headless. */
  readonly uiUrl: string;
  stop(): Promise<void>;
  /** SIGKILL, as a crash would look; the database stays. */
  kill(): Promise<void>;
  /** Again after `stop` or `kill`: same ports, same database. Resolves when it answers. */
  start(): Promise<void>;
  restart(): Promise<void>;
}

/** Resolves when the namespace can be used and all search attributes of this project are registered. */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  await mkdir(options.stateDirectory, { recursive: true });
  let server!: SupervisedChild;
  const launch = async (grpcPort: number, uiPort: number): Promise<void> => {
    server = await startServer(options, grpcPort, uiPort);
  };
  const { grpc, ui } =
    options.ports ??
    (await startOnFreePort(2, async (grpcPort = 0, uiPort = 0) => {
      await launch(grpcPort, uiPort);
      return { grpc: grpcPort, ui: uiPort };
    }));
  const start = (): Promise<void> => launch(grpc, ui);
  if (options.ports) await start();
  const stop = async (): Promise<void> => {
    await server.stop();
  };
  return {
    address: `127.0.0.1:${String(grpc)}`,
    namespace: NAMESPACE,
    uiUrl: `http://127.0.0.1:${String(ui)}`,
    start,
    stop,
    kill: async () => {
      await server.kill();
    },
    restart: async () => {
      await stop();
      await start();
    },
  };
}

async function startServer(options: TemporalOptions, grpcPort: number, uiPort: number): Promise<SupervisedChild> {
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(grpcPort), '--log-level', 'warn'],
    ...(options.headless ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...['--db-filename', path.join(options.stateDirectory, 'temporal.db')],
    ...DEVELOPMENT_SERVER_ARGUMENTS,
  ];
  const server = await options.processes.start({ name: 'temporal', command: options.tools.temporal, args });
  await waitUntilReady(server, () => hasNamespace(`127.0.0.1:${String(grpcPort)}`), READY_TIMEOUT_MS);
  return server;
}

async function hasNamespace(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '1s' });
  try {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    return true;
  } finally {
    await connection.close();
  }
}
