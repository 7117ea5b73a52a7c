/** Whether Temporal can be worked with: asked now and then, so that a probe of the kubelet need not wait. */
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Check, CheckResult } from '../process/readiness.ts';
import type { TemporalConnections } from './connect-temporal.ts';
import { grpcCodeOf } from './no-answer.ts';
import { lastPollsOf } from './poller-lookup.ts';
import { SeenPolls } from './seen-polls.ts';
import { checkWorker } from './worker-check.ts';

/** An outage shows within both together. What is asked for costs the server nothing. */
const EVERY_MS = 5_000;
/** That it is back is somebody's news, too; so is that a new worker polls. */
const EVERY_WHILE_UNWELL_MS = 1_000;
const DEADLINE_MS = 3_000;
/** So many workers are asked about at a time, those first that were not for longest: an agent of simulated nodes has hundreds. */
const WORKERS_PER_LOOK = 16;
const NOT_FOUND = 5;

export interface TemporalProbe {
  /** Whether the server answers, over the connections of the client and of the workers, and knows the namespace. */
  readonly check: Check;
  /** Whether `worker` runs and its polls reach the server; looked at until it is shut down. */
  watch(worker: Worker): Check;
  stop(): void;
}

interface WatchedWorker {
  readonly worker: Worker;
  readonly polls: SeenPolls;
}

/** The connections were made just now, so the first answer counts as given. */
export function probeTemporal(connections: TemporalConnections): TemporalProbe {
  /** In the order in which they are asked about. */
  const watched = new Set<WatchedWorker>();
  let found: CheckResult = { ok: true, message: 'connected' };
  let timer: NodeJS.Timeout | undefined;
  let waitMs = 0;
  let isStopped = false;

  async function look(): Promise<void> {
    timer = undefined;
    found = await ask(connections, nextOf(watched));
    const isWell = found.ok && [...watched].every(({ polls }) => polls.whyUnseen === undefined);
    lookIn(isWell ? EVERY_MS : EVERY_WHILE_UNWELL_MS);
  }
  function lookIn(ms: number): void {
    waitMs = ms;
    if (!isStopped) timer = setTimeout(() => void look(), ms).unref();
  }

  void look();
  return {
    check: () => found,
    watch: (worker) => {
      const polls = new SeenPolls();
      watched.add({ worker, polls });
      if (timer && waitMs > EVERY_WHILE_UNWELL_MS) {
        clearTimeout(timer);
        lookIn(EVERY_WHILE_UNWELL_MS);
      }
      return () => checkWorker(worker, polls);
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Takes out those that have ended, and puts those that are next to the end. */
function nextOf(watched: Set<WatchedWorker>): readonly WatchedWorker[] {
  for (const one of watched) {
    if (!['INITIALIZED', 'RUNNING'].includes(one.worker.getState())) watched.delete(one);
  }
  const next = [...watched].slice(0, WORKERS_PER_LOOK);
  for (const one of next) {
    watched.delete(one);
    watched.add(one);
  }
  return next;
}

async function ask(
  { client, native, namespace }: TemporalConnections,
  asked: readonly WatchedWorker[],
): Promise<CheckResult> {
  try {
    await Promise.all([askClient(client), askNative(native, asked)]);
    return { ok: true, message: 'the server answers' };
  } catch (error) {
    if (grpcCodeOf(error) === NOT_FOUND) {
      return { ok: false, message: `the server has no namespace ${namespace}: run \`memhp setup\`` };
    }
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `the server does not answer as it should: ${why}` };
  }
}

/** Workers poll over this one. It has a deadline only where the caller gives it one. */
function askNative(native: NativeConnection, asked: readonly WatchedWorker[]): Promise<unknown> {
  return native.withDeadline(Date.now() + DEADLINE_MS, () =>
    Promise.all([
      native.workflowService.getSystemInfo({}),
      ...asked.map(async ({ worker, polls }) => {
        polls.told(await lastPollsOf(worker, native));
      }),
    ]),
  );
}

function askClient({ connection }: TemporalConnections['client']): Promise<unknown> {
  return connection.withDeadline(Date.now() + DEADLINE_MS, () => connection.workflowService.getSystemInfo({}));
}
