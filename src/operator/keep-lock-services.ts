/**
 * Starts a lock entity again that was ended from outside ("terminate" in the Temporal UI). The next message would start it
 * as well; but whoever waits for a lock already sends none, and would wait for ever.
 *
 * An entity that was deleted with its history leaves no trace to be found here; the controller finds those, when it looks
 * at an operation that waits.
 */
import type { Client } from '@temporalio/client';
import { pause, systemClock, type Clock } from '../controller/clock.ts';
import type { Log } from '../controller/cluster.ts';
import { closedLockEntities } from '../temporal/closed-lock-entities.ts';
import { wakeLockEntity } from '../temporal/lock-activities.ts';

export interface KeepLockServicesOptions {
  readonly client: Client;
  readonly cluster: string;
  /** The entity of a node that is gone has nothing to grant, and could not begin to. */
  readonly isNodeKnown: (node: string) => boolean;
  readonly log: Log;
  /** Aborted to stop. */
  readonly signal: AbortSignal;
  readonly everyMs?: number;
  readonly clock?: Clock;
}

/** One visibility query of the operator, whatever the number of nodes. */
const EVERY_MS = 10_000;
/** Each look covers what the one before has covered for so long: visibility lags, and clocks differ. */
const OVERLAP_MS = 60_000;

/** Resolves once `signal` is aborted. The first look is at all that the server remembers. */
export async function keepLockServices(options: KeepLockServicesOptions): Promise<void> {
  const { client, cluster, log, signal, everyMs = EVERY_MS, clock = systemClock } = options;
  let sinceMs: number | undefined;
  let known: ReadonlySet<string> = new Set();
  let failed: readonly string[] = [];
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    try {
      const closed = await closedLockEntities(client, cluster, sinceMs);
      const ended = closed.filter(({ runId }) => !known.has(runId)).map(({ node }) => node);
      failed = await wakeAll(options, new Set([...failed, ...ended]));
      known = new Set(closed.map(({ runId }) => runId));
      sinceMs = nowMs - OVERLAP_MS;
    } catch (error) {
      log.warn('lock entities could not be looked at; trying again', { error });
    }
    await pause(clock, everyMs, signal);
  }
}

/** Answers the nodes whose entity could not be started: the next look tries them again, even if it does not find them. */
async function wakeAll(
  { client, cluster, isNodeKnown, log }: KeepLockServicesOptions,
  nodes: ReadonlySet<string>,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const node of nodes) {
    if (!isNodeKnown(node)) continue;
    try {
      await wakeLockEntity(client, cluster, node);
      log.info('a lock entity has ended; another is there', { node });
    } catch (error) {
      failed.push(node);
      log.warn('a lock entity has ended and could not be started; trying again', { node, error });
    }
  }
  return failed;
}
