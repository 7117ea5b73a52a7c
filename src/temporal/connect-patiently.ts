/** A connection for a command that may be run while the server is still starting: as an init step of an installation. */
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

const ATTEMPT_MS = 5_000;
const EVERY_MS = 1_000;

/** Tells `onWait` once that it waits. Throws an Error that names the address when `endMs` (ms since the epoch) has come. */
export async function connectPatiently(
  endMs: number,
  onWait: (message: string) => void,
): Promise<{ readonly connection: Connection; readonly namespace: string }> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  for (let attempt = 1; ; attempt++) {
    try {
      return { connection: await Connection.connect({ ...connectionOptions, connectTimeout: ATTEMPT_MS }), namespace };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (Date.now() + EVERY_MS > endMs) {
        const remedy = 'TEMPORAL_ADDRESS, or a profile in temporal.toml, says where it is';
        throw new Error(`Temporal cannot be reached at ${address} (${why}); ${remedy}.`, { cause: error });
      }
      if (attempt === 1) onWait(`waiting for Temporal at ${address} (${why})`);
      await delay(EVERY_MS);
    }
  }
}
