/** Whether workers still poll a task queue: the server remembers pollers for minutes after they have gone. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { pollersOf, TaskQueueType, type Poller } from './task-queue-pollers.ts';

/** A poll that gets nothing ends after 60 s (server) or 70 s (SDK), and the next one begins. */
const SILENCE_MS = 75_000;
const LOOK_EVERY_MS = 2_000;
const TYPES = [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY];

export interface WhoPollsOptions {
  /** Told once, where it takes a while to find out. */
  readonly onWait: (identities: readonly string[]) => void;
  readonly silenceMs?: number;
  readonly everyMs?: number;
}

/**
 * Identities of those that poll `taskQueue`. Returns at once where the server remembers none or sees one poll again; else
 * after as long as a poll lasts. Compares the server's times with each other only, so that no clock need be right.
 */
export async function whoPolls(
  client: Client,
  taskQueue: string,
  { onWait, silenceMs = SILENCE_MS, everyMs = LOOK_EVERY_MS }: WhoPollsOptions,
): Promise<readonly string[]> {
  const before = await allPollersOf(client, taskQueue);
  if (before.size === 0) return [];
  onWait(identitiesOf(before.values()));
  const endMs = Date.now() + silenceMs;
  while (Date.now() < endMs) {
    await delay(everyMs);
    const now = await allPollersOf(client, taskQueue);
    if (now.size === 0) return [];
    const alive = [...now].flatMap(([key, poller]) => (before.get(key)?.lastPoll === poller.lastPoll ? [] : [poller]));
    if (alive.length > 0) return identitiesOf(alive);
  }
  return [];
}

function identitiesOf(pollers: Iterable<Poller>): readonly string[] {
  return [...new Set([...pollers].map(({ identity }) => identity))].sort();
}

/** A process polls for workflows and for activities; both count. */
async function allPollersOf(
  { connection, options: { namespace } }: Client,
  taskQueue: string,
): Promise<ReadonlyMap<string, Poller>> {
  const found = new Map<string, Poller>();
  for (const type of TYPES) {
    const pollers = await pollersOf(connection, { namespace, taskQueue, type });
    for (const poller of pollers) found.set(`${String(type)} ${poller.identity}`, poller);
  }
  return found;
}
