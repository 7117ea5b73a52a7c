/** The simulated node: the pure model of this folder, a durable state, time, and a directory for acting by hand. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'winston';
import type { DriverCall, DriverResult, NodeInspection } from '../../contract/driver.ts';
import type { SettleResult } from '../../contract/activities.ts';
import type { AbortSignalLike, MemoryDriver, SettleRequest, StepContext } from '../../contract/memory-driver.ts';
import type { DriverCapabilities, NodeMemoryStatus, ObservedBlock, SimulatedSpec } from '../../contract/resources.ts';
import { DriverClosedError } from '../driver-closed-error.ts';
import { highestToken, overtakenTokens, staleness } from '../fencing.ts';
import { inspectNode, nodeStatus, observeBlock } from '../node-view.ts';
import { StepsUnderWay } from '../steps-under-way.ts';
import { parseBehaviour, type SimulatedBehaviour } from './behaviour.ts';
import { boot } from './boot.ts';
import { watchByHand, type ByHandRequest } from './by-hand-directory.ts';
import { writeState } from './by-hand.ts';
import { settleRuns } from './settle.ts';
import { openStateStore, type StateStore } from './state-store.ts';
import type { SimulatedState, StepSurroundings } from './state.ts';
import { takeStep } from './step.ts';

export interface SimulatedDriverOptions {
  /** The node's own directory; created. Nothing else may use it at the same time. */
  readonly directory: string;
  readonly spec: SimulatedSpec;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly newBootId?: () => string;
  /** Tests put a store here that crashes. */
  readonly store?: StateStore;
}

const CAPABILITIES: DriverCapabilities = { add: true, remove: true, online: true, offline: true };
/** A long step wakes up at least this often to show its progress. */
const PROGRESS_INTERVAL_MS = 1_000;

export class SimulatedDriver implements MemoryDriver {
  readonly name = 'simulated';
  readonly #store: StateStore;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #newBootId: () => string;
  readonly #listeners = new Set<() => void>();
  /** Steps that wait for time to pass; each is woken when something else changes. */
  readonly #sleepers = new Set<() => void>();
  readonly #underWay = new StepsUnderWay();
  readonly #stopByHand: () => void;
  #behaviour: SimulatedBehaviour;
  #state: SimulatedState;
  #isClosed = false;

  /** Boots the node if `directory` holds no state yet; otherwise it continues as it was. */
  constructor(options: SimulatedDriverOptions) {
    this.#store = options.store ?? openStateStore(options.directory);
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#newBootId = options.newBootId ?? randomUUID;
    this.#behaviour = parseBehaviour(options.spec);
    const stored = this.#store.load();
    this.#state = stored ?? boot(undefined, this.#behaviour.boot, this.#newBootId());
    if (stored) this.#store.appendEffects(stored.unwrittenEffects);
    else this.#store.save(this.#state);
    this.#stopByHand = watchByHand(join(options.directory, 'by-hand'), {
      handle: (request) => {
        this.#actByHand(request);
      },
      failed: (error) => this.#logger.error('acting by hand failed', { error }),
    });
  }

  /** Changes the behaviour at once; the layout of `spec` counts at the next (simulated) boot. */
  configure(spec: SimulatedSpec): void {
    this.#behaviour = parseBehaviour(spec);
    this.#wakeSleepers();
  }

  /** Boots anew: another boot id, the layout's blocks, whatever was added or changed is gone. */
  reboot(): void {
    this.#become(boot(this.#state, this.#behaviour.boot, this.#newBootId()));
  }

  step(call: DriverCall, context: StepContext): Promise<DriverResult> {
    return this.#underWay.track(call, this.#carryOut(call, context));
  }

  /** Durable before it waits for the steps under way, which then find their tokens refused and end with ESTALE. */
  async settle(request: SettleRequest): Promise<SettleResult> {
    this.#assertOpen();
    this.#become(settleRuns(this.#state, request));
    await this.#underWay.settled(request);
    const { bootId } = this.#state;
    return { bootId, highestToken: highestToken(this.#state), ...overtakenTokens(this.#state, request) };
  }

  inspect(blockIds: readonly number[]): Promise<NodeInspection> {
    return Promise.resolve(inspectNode(this.#state, CAPABILITIES, blockIds));
  }

  status(): Promise<NodeMemoryStatus> {
    return Promise.resolve(nodeStatus(this.#state, CAPABILITIES, this.name, this.#state));
  }

  observe(blockId: number): Promise<ObservedBlock> {
    return Promise.resolve(observeBlock(this.#state, blockId));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#stopByHand();
    this.#wakeSleepers();
    return Promise.resolve();
  }

  /** Nothing is told to anyone, and no other step runs, before `next` is on disk. */
  #become(next: SimulatedState): void {
    if (next === this.#state) return;
    this.#store.save(next);
    this.#state = next;
    this.#store.appendEffects(next.unwrittenEffects);
    if (next.unwrittenEffects.length > 0) this.#state = { ...next, unwrittenEffects: [] };
    this.#wakeSleepers();
    for (const listener of this.#listeners) listener();
  }

  async #carryOut(call: DriverCall, context: StepContext): Promise<DriverResult> {
    await this.#delayStep(call, context);
    for (;;) {
      this.#assertOpen();
      const verdict = takeStep(this.#state, call, this.#surroundings(context.signal.aborted));
      this.#become(verdict.state);
      if ('result' in verdict) return verdict.result;
      context.heartbeat(verdict.progress);
      await this.#sleep(Math.min(verdict.waitMs, PROGRESS_INTERVAL_MS), context.signal);
    }
  }

  #surroundings(interrupted: boolean): StepSurroundings {
    return { behaviour: this.#behaviour, nowMs: this.#now(), interrupted };
  }

  #actByHand(request: ByHandRequest): void {
    if (request.kind === 'reboot') {
      this.reboot();
      this.#logger.info('rebooted by hand', { bootId: this.#state.bootId });
      return;
    }
    const { blockId, word } = request;
    const { state, result } = writeState(this.#state, blockId, word, this.#surroundings(false));
    this.#become(state);
    if (result.ok) this.#logger.info('block written by hand', { blockId, word });
    else this.#logger.warn('write by hand refused', { blockId, word, errno: result.errno, detail: result.message });
  }

  async #delayStep(call: DriverCall, context: StepContext): Promise<void> {
    const until = this.#now() + this.#behaviour.stepDelayMs;
    for (let leftMs = until - this.#now(); leftMs > 0; leftMs = until - this.#now()) {
      this.#assertOpen();
      if (staleness(this.#state, call) !== undefined) return;
      context.heartbeat(`${call.operation} ${call.step} starts in ${String(leftMs)} ms`);
      await this.#sleep(Math.min(leftMs, PROGRESS_INTERVAL_MS));
    }
  }

  /** Ends after `delayMs`, or when anything changes, or when `signal` aborts. */
  #sleep(delayMs: number, signal?: AbortSignalLike): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, delayMs);
      this.#sleepers.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      if (signal?.aborted) wake();
    });
  }

  #wakeSleepers(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new DriverClosedError(this.name);
  }
}
