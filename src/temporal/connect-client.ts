/** A connection for a command that asks something and ends: it tells quickly that the server is away. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

export interface ClientConnection {
  readonly client: Client;
  /** Where the server is, as it was configured. */
  readonly address: string;
  readonly close: () => Promise<void>;
}

/** A person waits. Over loopback it takes 50 ms, over a slow line with TLS a second. */
const CONNECT_LIMIT_MS = 5_000;

/** Throws an Error that names the address and says what to do. */
export async function connectClient(): Promise<ClientConnection> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_LIMIT_MS });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy =
      'Check that the server runs there, or name another: TEMPORAL_ADDRESS, or a profile in temporal.toml (TEMPORAL_PROFILE)';
    throw new Error(`Temporal cannot be reached at ${address} (${why}). ${remedy}.`, { cause: error });
  }
  // A lock entity that has closed would still answer, from its history; its answer would be about the past.
  const client = new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
  return { client, address, close: () => connection.close() };
}
