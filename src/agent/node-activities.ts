/** The activities of one node: Temporal's side of a MemoryDriver and of its reader gate. */
import type { InspectInput, NodeActivities } from '../contract/activities.ts';
import { blockIdsOf, type DriverCall } from '../contract/driver.ts';
import type { MemoryDriver, StepContext } from '../contract/memory-driver.ts';
import type { GatedMemoryDriver } from './gated-driver.ts';
import type { ReportStep } from './step-reports.ts';

/** What an activity needs of Temporal's Context. */
export interface ActivitySurroundings {
  /** Aborted when the activity is not wanted any more, for whatever reason. */
  readonly signal: AbortSignal;
  /** Whether that is because somebody cancelled the operation; otherwise the attempt is over and another will come. */
  isCancelRequested(): boolean;
  heartbeat(details: string): void;
  /** Unset: nobody expects heartbeats. */
  readonly heartbeatTimeoutMs?: number;
}

export interface NodeActivitiesOptions {
  readonly driver: GatedMemoryDriver;
  /** Shows in the cluster what the driver did to `blockIds`; resolves in bounded time even if the API server cannot be reached. */
  readonly publish: (blockIds: readonly number[]) => Promise<void>;
  readonly surroundings: () => ActivitySurroundings;
  /** Told of every step that has a result. */
  readonly reportStep?: ReportStep;
}

/** Heartbeats are sent three times per timeout, so that one may be lost. */
const HEARTBEATS_PER_TIMEOUT = 3;
/** A cancellation comes with the answer to a heartbeat: it takes no longer than this to interrupt a step. */
const HEARTBEAT_MS_MAX = 1_000;

export function createNodeActivities(options: NodeActivitiesOptions): NodeActivities {
  const { driver, publish, surroundings, reportStep } = options;
  return {
    inspect: async (input) => driver.inspect(await askedBlocks(driver, input)),
    driverStep: async (call) => {
      const what = `${call.operation} ${call.step}`;
      const startMs = performance.now();
      const result = await attempt(what, surroundings(), (context) => driver.step(call, context));
      reportStep?.(call, result, performance.now() - startMs);
      // Before the result: whoever reads the block after the operation has ended must see what it did.
      await publish(await changedBlocks(driver, call));
      return result;
    },
    beginWrite: (input) => attempt('waits for readers', surroundings(), (context) => driver.beginWrite(input, context)),
    endWrite: (input) => {
      driver.endWrite(input);
      return Promise.resolve();
    },
    settle: async (input) => {
      const result = await attempt('settles', surroundings(), () => driver.settle(input));
      await publish([]);
      return result;
    },
  };
}

/** The blocks that `call` is about. None where the node does not answer: the result of the step must not be lost for that. */
async function changedBlocks(driver: MemoryDriver, { node, blockId, range }: DriverCall): Promise<readonly number[]> {
  if (blockId !== undefined) return [blockId];
  return range.size > 0 ? askedBlocks(driver, { node, range }).catch(() => []) : [];
}

async function askedBlocks(driver: MemoryDriver, input: InspectInput): Promise<readonly number[]> {
  if ('blockIds' in input) return input.blockIds;
  const { blockSizeBytes } = await driver.inspect([]);
  return blockIdsOf(input.range, blockSizeBytes);
}

/**
 * Heartbeats while `work` is silent. Cancelling the operation interrupts the work, which still has a result. An attempt
 * that ended otherwise (this worker shuts down, or the server gave it to another) is given up without a result: the
 * driver's journal knows how far it came, and the next attempt goes on from there.
 */
async function attempt<T>(
  what: string,
  around: ActivitySurroundings,
  work: (context: StepContext) => Promise<T>,
): Promise<T> {
  const interruption = new AbortController();
  const attemptOver = Promise.withResolvers<never>();
  const onAbort = (): void => {
    if (around.isCancelRequested()) interruption.abort();
    else attemptOver.reject(around.signal.reason as Error);
  };
  let progress = what;
  const beat = (): void => {
    around.heartbeat(progress);
  };
  const timer =
    around.heartbeatTimeoutMs === undefined
      ? undefined
      : setInterval(beat, Math.min(HEARTBEAT_MS_MAX, around.heartbeatTimeoutMs / HEARTBEATS_PER_TIMEOUT));
  around.signal.addEventListener('abort', onAbort, { once: true });
  if (around.signal.aborted) onAbort();
  try {
    const heartbeat = (shown: string): void => {
      progress = shown;
      beat();
    };
    return await Promise.race([work({ signal: interruption.signal, heartbeat }), attemptOver.promise]);
  } finally {
    clearInterval(timer);
    around.signal.removeEventListener('abort', onAbort);
  }
}
