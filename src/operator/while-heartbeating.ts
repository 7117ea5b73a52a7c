/** Shows that this operator lives: who is silent too long counts as dead, and another is given the activity. */
import { Context } from '@temporalio/activity';

/** Well below the silence after which an operator counts as dead. */
const HEARTBEAT_MS = 1_000;

/** To be called in an activity. Locks of a node are held, or cannot be had, until `work` is done. */
export async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const heart = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heart);
  }
}
