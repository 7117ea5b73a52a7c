/**
 * Failpoints: make the operator die by SIGKILL at a named point, once. For crash tests; never set in production.
 *
 * `MEMHP_FAILPOINTS=before:recordOutcome=/tmp/marker` kills the process when activity recordOutcome is about to run, if
 * /tmp/marker does not exist, and creates it first. `after:` is when it has run but has not been reported. A point may name
 * what the activity is about: `before:callNotifier:MEM_ONLINE`. Several are separated by commas.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  Next,
  WorkerInterceptors,
} from '@temporalio/worker';
import { activityInfo } from '@temporalio/activity';
import type { NotifyInput } from '../contract/activities.ts';
import type { LockMessage } from '../contract/locks.ts';

export interface Failpoint {
  readonly point: string;
  readonly marker: string;
}

/** Throws an Error that quotes the part that is not `point=file`. */
export function parseFailpoints(text: string | undefined): readonly Failpoint[] {
  const parts = (text ?? '').split(',').filter((part) => part !== '');
  return parts.map((part) => {
    const [point, marker] = part.split('=', 2);
    if (!point || !marker) throw new Error(`MEMHP_FAILPOINTS: "${part}" is not point=file`);
    return { point, marker };
  });
}

export function failpointInterceptors(failpoints: readonly Failpoint[]): WorkerInterceptors {
  if (failpoints.length === 0) return {};
  return { activity: [() => ({ inbound: new FailpointInterceptor(failpoints) })] };
}

class FailpointInterceptor implements ActivityInboundCallsInterceptor {
  private readonly failpoints: readonly Failpoint[];

  constructor(failpoints: readonly Failpoint[]) {
    this.failpoints = failpoints;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const what = [activityInfo().activityType, ...aboutOf(input.args[0])];
    this.reach('before', what);
    const result = await next(input);
    this.reach('after', what);
    return result;
  }

  private reach(when: 'before' | 'after', [type = '', ...about]: readonly string[]): void {
    const names = [`${when}:${type}`, ...about.map((detail) => `${when}:${type}:${detail}`)];
    for (const { point, marker } of this.failpoints) {
      if (!names.includes(point) || existsSync(marker)) continue;
      writeFileSync(marker, point);
      process.kill(process.pid, 'SIGKILL');
    }
  }
}

/** What tells two calls of one activity apart: the notifier action; whether a lock message releases everything. */
function aboutOf(input: unknown): readonly string[] {
  const { event, message } = (input ?? {}) as { event?: NotifyInput['event']; message?: LockMessage };
  if (event) return [event.action];
  if (!message) return [];
  const releasesAll = (message.release?.length ?? 0) > 0 && message.release?.every(({ names }) => !names);
  return [message.request ? 'request' : releasesAll ? 'release-all' : 'release'];
}
