/** Connections to Temporal, configured as every Temporal client is: environment, or a profile of temporal.toml. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import type winston from 'winston';
import { retryUntilDone } from '../process/retry-until-done.ts';
import { checkNamespace } from './check-namespace.ts';

export interface TemporalConnections {
  readonly client: Client;
  /** For workers. */
  readonly native: NativeConnection;
  readonly namespace: string;
  close(): Promise<void>;
}

/** gRPC's own limit is 120 s: after a long outage the controller would be blind for as long as that again. */
const RECONNECT_MAX_MS = 5_000;

/**
 * Connects, trying again until it succeeds: a process may start before its Temporal server does, or before somebody has run
 * `memhp setup`; the log says which. Undefined when `signal`
 * aborts first.
 */
export async function connectTemporal(
  log: winston.Logger,
  signal: AbortSignal,
  overrides: { readonly address?: string } = {},
): Promise<TemporalConnections | undefined> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const options = { ...connectionOptions, ...overrides };
  const where = `reach Temporal at ${options.address ?? 'localhost:7233'} (TEMPORAL_ADDRESS or a profile in temporal.toml says where)`;
  const connections = await retryUntilDone(where, log, signal, () => connectOnce(options, namespace));
  if (connections) log.info('connected to Temporal', { address: options.address, namespace });
  return connections;
}

async function connectOnce(options: NativeConnectionOptions, namespace: string): Promise<TemporalConnections> {
  const native = await NativeConnection.connect(options);
  try {
    const channelArgs = { 'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS };
    const connection = await Connection.connect({ ...options, channelArgs });
    const client = new Client({ connection, namespace });
    const close = async (): Promise<void> => {
      await connection.close();
      await native.close();
    };
    await checkNamespace(client).catch(async (error: unknown) => {
      await connection.close();
      throw error;
    });
    return { client, native, namespace, close };
  } catch (error) {
    await native.close();
    throw error;
  }
}
