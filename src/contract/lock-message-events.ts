/** What a message means to the lock table. */
import type { LockEventBody } from '../kernel/lock-request.ts';
import type { LockMessage } from './locks.ts';

/** `nowMs`: when the message was received, in ms since the epoch; time limits count from there. */
export function lockEventsOfMessage(message: LockMessage, nowMs: number): readonly LockEventBody[] {
  const { holder, purpose, release = [], request, suspect } = message;
  const events: LockEventBody[] = release.map(({ id, names }) => ({
    kind: 'release',
    id,
    ...(names ? { names } : {}),
    by: holder.runId,
  }));
  if (request) {
    const { timeoutMs, ...wanted } = request;
    const deadline = timeoutMs === undefined ? {} : { deadlineMs: nowMs + timeoutMs };
    events.push({ kind: 'request', holder, purpose, ...wanted, ...deadline });
  }
  if (suspect) events.push({ kind: 'suspect', ...suspect });
  return events;
}
