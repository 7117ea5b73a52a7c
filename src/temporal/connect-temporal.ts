/** Connections to Temporal, configured as every Temporal client is: environment, or a profile of temporal.toml. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type winston from 'winston';

export interface TemporalConnections {
  readonly client: Client;
  /** For workers. */
  readonly native: NativeConnection;
  readonly namespace: string;
  close(): Promise<void>;
}

const RETRY_MS = 2_000;

/** Connects, trying again until it succeeds or `signal` aborts: an operator may start before its Temporal server does. */
export async function connectTemporal(
  log: winston.Logger,
  signal: AbortSignal,
  overrides: { readonly address?: string } = {},
): Promise<TemporalConnections> {
  const { connectionOptions: configured, namespace = 'default' } = loadClientConnectConfig();
  const connectionOptions = { ...configured, ...overrides };
  for (;;) {
    try {
      const native = await NativeConnection.connect(connectionOptions);
      const connection = await Connection.connect(connectionOptions as ConnectionOptions);
      log.info('connected to Temporal', { address: connectionOptions.address, namespace });
      return {
        client: new Client({ connection, namespace }),
        native,
        namespace,
        close: async () => {
          await connection.close();
          await native.close();
        },
      };
    } catch (error) {
      const address = connectionOptions.address ?? 'localhost:7233';
      const advice = 'is it running? TEMPORAL_ADDRESS or a profile in temporal.toml says where';
      log.warn('Temporal cannot be reached', { address, error: String(error), advice });
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}
