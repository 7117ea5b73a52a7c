import { Context } from '@temporalio/activity';
import type { CallPluginsInput } from '../contract/activities.ts';
import type { NotifierCallResult } from '../contract/notifier.ts';
import { askInOrder, type AskPlugin, type Clock } from '../plugins/ask-in-order.ts';
import { whileHeartbeating } from './while-heartbeating.ts';

/**
 * To be called in an activity. A repeat, after an operator that died, has what earlier attempts left of the walk: so much
 * the server tells, by its own clock alone.
 */
export function askWithinWalk(
  input: CallPluginsInput,
  ask: AskPlugin,
  clock?: Clock,
): Promise<readonly NotifierCallResult[]> {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  const leftMs = input.leftMs - (currentAttemptScheduledTimestampMs - scheduledTimestampMs);
  return whileHeartbeating(() => askInOrder({ ...input, leftMs }, ask, clock));
}
