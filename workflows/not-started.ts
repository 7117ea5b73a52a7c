/** An activity that nobody began in the time that it was given: whoever serves its queue is away. */
import { ActivityFailure, TimeoutFailure, TimeoutType } from '@temporalio/common';

export function isNotStarted(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START
  );
}
