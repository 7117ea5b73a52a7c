/** Asks a plugin that is an activity on a task queue of its own. */
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import { PLUGIN_ACTIVITY_ID_PREFIX } from '../src/contract/names.ts';
import { parseAnswer, shortReason } from '../src/contract/notifier-answer.ts';
import type { MemoryNotify, NotifierReply, NotifierTransport } from '../src/contract/notifier.ts';

/**
 * An answer may have 2 MiB, in the history before anybody can look at it, and the server terminates a run whose history
 * reaches 50 MiB: from here on nobody is asked, so that the operation and its recovery come to an end.
 */
const HISTORY_BYTES_MAX = 16 * 2 ** 20;
/** Waiting and the whole have the same limit; of two that end together the server reports this one. */
const NOBODY_CAME = 'SCHEDULE_TO_START';

type TaskQueueTransport = Extract<NotifierTransport, { kind: 'taskQueue' }>;
type PluginActivities = Record<string, (event: MemoryNotify) => Promise<unknown>>;
type NoAnswer = NotifierReply & { readonly kind: 'error' };

/** Asked once: what throws or falls silent has used up the time that a retry would need. Never throws because of the plugin. */
export async function askOnTaskQueue(
  { taskQueue, activity }: TaskQueueTransport,
  event: MemoryNotify,
  timeoutMs: number,
  summary: string,
): Promise<NotifierReply> {
  if (workflowInfo().historySize > HISTORY_BYTES_MAX) return HISTORY_IS_FULL;
  const activities = proxyActivities<PluginActivities>({
    taskQueue,
    // Tells the payload converter whose result this is.
    activityId: `${PLUGIN_ACTIVITY_ID_PREFIX}${event.action}/${event.notifier}`,
    scheduleToStartTimeout: timeoutMs,
    scheduleToCloseTimeout: timeoutMs,
    retry: { maximumAttempts: 1 },
  });
  try {
    return parseAnswer(await activities[activity]?.executeWithOptions({ summary }, [event]));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const reply = noAnswerOf(error, taskQueue, activity);
    return { ...reply, message: shortReason(reply.message) };
  }
}

const HISTORY_IS_FULL: NoAnswer = {
  kind: 'error',
  message:
    "not asked: the answers before it have filled the operation's history; an answer is a sentence and a few words",
};

function noAnswerOf({ cause, message: failure }: ActivityFailure, taskQueue: string, activity: string): NoAnswer {
  if (!(cause instanceof TimeoutFailure)) {
    return { kind: 'error', message: `activity ${activity} failed: ${cause?.message ?? failure}` };
  }
  const message =
    cause.timeoutType === NOBODY_CAME
      ? `no worker took activity ${activity} from task queue ${taskQueue} in time; start one, or look at what keeps it busy`
      : `activity ${activity} did not answer in time`;
  return { kind: 'error', message, timedOut: true };
}
