/** Serves a command of one process on that process's own task queue. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { HolderActivities } from '../contract/hold-locks.ts';

/** What is served. `run` may be called many times, and answers all with the one exit status. */
export interface ServedCommand {
  run(): Promise<number>;
  /** Asks it to end; it ends, or not, in its own time. */
  end(): void;
}

/** Heartbeats are sent three times per timeout, so that one may be lost. */
const HEARTBEATS_PER_TIMEOUT = 3;
const HEARTBEAT_THROTTLE_MS = 500;
/** The server, or the way to it, may be away for longer than the worker bears. */
const RESTART_MS = 1_000;
/** Attempts of which the server knows no more have nothing left to do. */
const SHUTDOWN_FORCE_MS = 1_000;

/**
 * Serves through whatever outages until `stop`, which returns when nothing is served any more. Rejects when the server
 * cannot be reached to begin with.
 */
export async function serveCommand(taskQueue: string, command: ServedCommand): Promise<{ stop(): Promise<void> }> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const stopping = new AbortController();
  const stopped = once(stopping.signal, 'abort');
  const options: WorkerOptions = {
    connection,
    namespace,
    taskQueue,
    activities: { ...createHolderActivities(command) },
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  };
  const serving = serve(options, stopped, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await serving;
      await connection.close();
    },
  };
}

async function serve(options: WorkerOptions, stopped: Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const worker = await Worker.create(options);
      await worker.runUntil(stopped);
    } catch {
      // Whoever waits for the locks sees that nobody answers.
      await delay(RESTART_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function createHolderActivities(command: ServedCommand): HolderActivities {
  return { answer: () => Promise.resolve(), runCommand: () => whileBeating(command) };
}

/**
 * Only a cancellation asked for by somebody ends the command. An attempt that is over otherwise (the server had not heard
 * of it for too long) is given up, and the command runs on: it will be asked for again.
 */
async function whileBeating(command: ServedCommand): Promise<number> {
  const context = Context.current();
  const timer = setInterval(
    () => {
      context.heartbeat();
    },
    (context.info.heartbeatTimeoutMs ?? 1_000) / HEARTBEATS_PER_TIMEOUT,
  );
  const over = context.cancelled.catch((reason: unknown) => {
    if (!context.cancellationDetails?.cancelRequested) throw reason;
    command.end();
    return command.run();
  });
  try {
    return await Promise.race([command.run(), over]);
  } finally {
    clearInterval(timer);
  }
}
