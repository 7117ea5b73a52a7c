/** Tells the person at the terminal what is waited for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LockServiceClient, NodeLocksAnswer } from '../temporal/lock-service-client.ts';
import { say } from './say.ts';

export interface Waiting {
  readonly service: LockServiceClient;
  readonly node: string;
  /** Whose wait it is. */
  readonly runId: string;
  readonly command: { readonly isDecided: boolean };
  readonly signal: AbortSignal;
}

/** Nobody needs to be told of a shorter wait. */
const TELL_AFTER_MS = 1_000;
const LOOK_EVERY_MS = 2_000;

/** One line, and another one whenever it is different, until the command has been decided about. */
export async function tellWaiting({ service, node, runId, command, signal }: Waiting): Promise<void> {
  const pause = (ms: number): Promise<unknown> => delay(ms, undefined, { signal }).catch(() => undefined);
  let told: string | undefined;
  await pause(TELL_AFTER_MS);
  while (!command.isDecided && !signal.aborted) {
    const [answer] = await service.read([node]).catch(() => []);
    const waiting = answer && describeWait(answer, runId);
    if (waiting !== undefined && waiting !== told) say((told = waiting));
    await pause(LOOK_EVERY_MS);
  }
}

/** Undefined when it does not wait for a lock, as far as `answer` tells. Times are those of this machine's time zone. */
export function describeWait(answer: NodeLocksAnswer, runId: string): string | undefined {
  if (answer.kind === 'silent') return `waiting for the lock service of ${answer.node}. ${answer.reason}`;
  if (answer.kind !== 'table') return `waiting for an operator to take the locks of ${answer.node}: does one run?`;
  const { isRecovering, locks } = answer.table;
  if (isRecovering) return `waiting for the lock service of ${answer.node}, which finds out who holds what`;
  const lock = locks.find(({ waiters }) => waiters.some((party) => party.runId === runId));
  if (!lock) return undefined;
  const place = lock.waiters.findIndex((party) => party.runId === runId);
  const holders = lock.holders.map(({ purpose, since, suspect }) => {
    const doubt = suspect === undefined ? '' : ` (suspect: ${suspect})`;
    return `${purpose} since ${new Date(since).toLocaleTimeString('sv')}${doubt}`;
  });
  const held = holders.length > 0 ? `, held by ${holders.join(' and ')}` : '';
  const ahead = place > 0 ? `; ${String(place)} before you` : '';
  return `waiting for ${lock.name}${held}${ahead}`;
}
