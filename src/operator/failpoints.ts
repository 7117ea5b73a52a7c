/**
 * Failpoints: make the operator die by SIGKILL at a named point, once. For crash tests; never set in production.
 *
 * `MEMHP_FAILPOINTS=before:recordOutcome=/tmp/marker` kills the process when activity recordOutcome is about to run, if
 * /tmp/marker does not exist, and creates it first. `after:` is when it has run but has not been reported. A point may name
 * what the activity is about, its node too: `before:callPlugins:MEM_ONLINE:worker-1`. Several are separated by commas.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  Next,
  WorkerInterceptors,
} from '@temporalio/worker';
import { activityInfo } from '@temporalio/activity';
import type { CallPluginsInput } from '../contract/activities.ts';
import type { LockMessage } from '../contract/locks.ts';

type Moment = 'before' | 'after';

export interface Failpoint {
  readonly moment: Moment;
  /** Activity type. */
  readonly activity: string;
  /** All of these must hold for the call; see `aboutOf`. */
  readonly about: readonly string[];
  /** A file: where it exists, the failpoint has been spent. */
  readonly marker: string;
}

/** Throws an Error that quotes the part that is not `point=file`. */
export function parseFailpoints(text: string | undefined): readonly Failpoint[] {
  const parts = (text ?? '').split(',').filter((part) => part !== '');
  return parts.map((part) => {
    const [point = '', marker] = part.split('=', 2);
    const [moment, activity, ...about] = point.split(':');
    if (!marker) throw new Error(`MEMHP_FAILPOINTS: "${part}" is not point=file`);
    if ((moment !== 'before' && moment !== 'after') || !activity) {
      throw new Error(`MEMHP_FAILPOINTS: "${part}" does not begin with before:<activity> or after:<activity>`);
    }
    return { moment, activity, about, marker };
  });
}

/** Whether a call of `activity` with argument `input` is what `failpoint` waits for. */
export function isReached(failpoint: Failpoint, moment: Moment, activity: string, input: unknown): boolean {
  if (failpoint.moment !== moment || failpoint.activity !== activity) return false;
  const about = aboutOf(input);
  return failpoint.about.every((detail) => about.includes(detail));
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
    this.reach('before', input.args[0]);
    const result = await next(input);
    this.reach('after', input.args[0]);
    return result;
  }

  private reach(moment: Moment, input: unknown): void {
    const { activityType } = activityInfo();
    for (const failpoint of this.failpoints) {
      if (!isReached(failpoint, moment, activityType, input) || existsSync(failpoint.marker)) continue;
      writeFileSync(failpoint.marker, '');
      process.kill(process.pid, 'SIGKILL');
    }
  }
}

/** What tells two calls of one activity apart: node, notifier action, `all` of a lock message that releases everything. */
function aboutOf(input: unknown): readonly string[] {
  const { node, walk, message } = (input ?? {}) as {
    node?: string;
    walk?: CallPluginsInput['walk'];
    message?: LockMessage;
  };
  const where = node ?? walk?.node;
  return [
    ...(where ? [where] : []),
    ...(walk ? [walk.action] : []),
    ...(message && releasesAll(message) ? ['all'] : []),
  ];
}

function releasesAll({ release = [] }: LockMessage): boolean {
  return release.length > 0 && release.every(({ names }) => !names);
}
