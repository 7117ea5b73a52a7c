/**
 * The offline's side of the fleet-wide limit. A permit is asked for before device_hotplug_lock, while nothing is held, so
 * whoever waits for one keeps nobody else out; it is given back after the last lock.
 */
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  OFFLINE_PERMIT_QUERY,
  PERMIT_GRANTED_SIGNAL,
  type OfflinePermitState,
  type PermitActivities,
  type PermitMessage,
} from '../src/contract/offline-permits.ts';
import type { OfflineMemoryInput } from '../src/contract/operations.ts';
import { readPermitGranted } from '../src/contract/read-permit-message.ts';
import { orDropped } from './drop-malformed.ts';
import type { Ending } from './ending.ts';
import type { Operation } from './operation.ts';

const permitGranted = defineSignal<[unknown]>(PERMIT_GRANTED_SIGNAL);
const offlinePermit = defineQuery<OfflinePermitState>(OFFLINE_PERMIT_QUERY);

const { takePermit, releasePermit } = proxyLocalActivities<PermitActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});

const DESCRIPTION = 'Whether this operation holds a permit to take memory offline, or waits for one';
/** Asking again costs some six events, and an operation never continues as new: a week of waiting is some 4,000 events. */
const REPEAT_MAX_MS = 16 * 60_000;

/**
 * Waits for a permit without a time limit: lockTimeoutSeconds begins with the request for locks. An ending means that the
 * operation was cancelled while it waited; it has no permit then. Caller holds nothing.
 */
export async function takeOfflinePermit(operation: Operation<OfflineMemoryInput>): Promise<Ending | undefined> {
  const { maxConcurrentOfflines: max } = operation.input;
  if (max === undefined) {
    setHandler(offlinePermit, () => ({ state: 'none' }), { description: DESCRIPTION });
    return undefined;
  }
  const many = max === 1 ? 'one offline' : `${String(max)} offlines`;
  const { cluster } = operation.input;
  const why = `at most ${many} at a time in the fleet; workflow ${cluster}/offline-permits shows which are under way`;
  operation.enter('WaitingForPermit', why);
  const permit = new OfflinePermit(operation, max);
  operation.permit = permit;
  if (await permit.take()) {
    operation.tell('has a permit to take memory offline');
    return undefined;
  }
  return { result: 'Superseded', message: 'cancelled while waiting for a permit; nothing was done' };
}

export class OfflinePermit {
  readonly #operation: Operation<OfflineMemoryInput>;
  readonly #max: number;
  #state: 'waiting' | 'held' | 'over' = 'waiting';
  #sinceMs = Date.now();

  constructor(operation: Operation<OfflineMemoryInput>, max: number) {
    this.#operation = operation;
    this.#max = max;
    setHandler(permitGranted, (sent) => this.#told(sent), {
      description: 'The operation may begin; sent by the permit entity of the cluster',
    });
    setHandler(offlinePermit, () => this.#answer(), { description: DESCRIPTION });
  }

  /** False when the operation was cancelled before there was a permit. */
  async take(): Promise<boolean> {
    const { holder, purpose, limit } = this.#request;
    const message: PermitMessage = { kind: 'request', request: { holder, purpose, limit } };
    const isOver = (): boolean => this.#state !== 'waiting' || this.#operation.isCancelled;
    let pauseMs = this.#operation.timings.permitRepeatMs;
    while (!isOver()) {
      const answer = await this.#send('ask for a permit', message, takePermit);
      if (answer.kind === 'granted') this.#granted(holder.runId);
      if (isOver()) break;
      // Asked again every so often, so that a queue that was lost with its entity heals.
      await condition(isOver, pauseMs, { summary: 'wait for a permit' });
      pauseMs = Math.min(2 * pauseMs, REPEAT_MAX_MS);
    }
    return this.#state === 'held';
  }

  /**
   * Gives it back, or withdraws the request. A request may have arrived whatever is known of it, so this is always told;
   * once.
   */
  async release(): Promise<void> {
    if (this.#state === 'over') return;
    const wasHeld = this.#state === 'held';
    this.#state = 'over';
    const summary = wasHeld ? 'give the permit back' : 'withdraw the request for a permit';
    await this.#send(summary, { kind: 'release', holder: this.#request.holder }, releasePermit);
    this.#operation.tell(wasHeld ? 'gave the permit back' : 'withdrew the request for a permit');
  }

  #told(sent: unknown): void {
    const told = orDropped(PERMIT_GRANTED_SIGNAL, readPermitGranted(sent));
    if (told) this.#granted(told.runId);
  }

  /** Of another run, when this one was reset: its permit was not for us. */
  #granted(runId: string): void {
    if (runId !== workflowInfo().runId || this.#state !== 'waiting') return;
    this.#state = 'held';
    this.#sinceMs = Date.now();
  }

  #answer(): OfflinePermitState {
    if (this.#state === 'over') return { state: 'none' };
    const { purpose, limit } = this.#request;
    return { state: this.#state, purpose, sinceMs: this.#sinceMs, limit };
  }

  get #request() {
    const { workflowId, runId, startTime } = workflowInfo();
    const { node, blockId } = this.#operation.input;
    return {
      holder: { workflowId, runId },
      purpose: `offline memory${String(blockId)} of ${node}`,
      // What the limit is was decided when the operation was started.
      limit: { max: this.#max, asOfMs: startTime.getTime() },
    };
  }

  /** A message that may have left must have left: it is sent whatever becomes of the scope. */
  #send<T>(
    summary: string,
    message: PermitMessage,
    activity: {
      executeWithOptions(options: { summary: string }, args: [{ cluster: string; message: PermitMessage }]): Promise<T>;
    },
  ): Promise<T> {
    const { cluster } = this.#operation.input;
    return CancellationScope.nonCancellable(() => activity.executeWithOptions({ summary }, [{ cluster, message }]));
  }
}
