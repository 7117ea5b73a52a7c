/** What every workflow shares that takes locks and drives a node: who it is, what it holds, and what it tells of itself. */
import { CancellationScope, defineQuery, log, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunReference } from '../src/contract/driver.ts';
import {
  DEFAULT_TIMINGS,
  OPERATION_PHASE_QUERY,
  type OperationInput,
  type OperationPhase,
  type OperationTimings,
} from '../src/contract/operations.ts';
import type { LockName, WantedLock } from '../src/kernel/lock.ts';
import { Driver, type DriverContext } from './driver.ts';
import type { Ending } from './ending.ts';
import { LockClient, type Refused, type Taken } from './lock-client.ts';
import { logWith } from './log-fields.ts';
import { describeStory } from './story.ts';

const operationPhase = defineQuery<OperationPhase>(OPERATION_PHASE_QUERY);

export abstract class LockedRun<Input extends OperationInput, Outcome> implements DriverContext {
  readonly input: Input;
  readonly owner: RunReference;
  readonly locks: LockClient;
  readonly driver: Driver;
  readonly timings: OperationTimings;
  isCancelled = false;
  lockDeadlineMs = 0;
  /** Resolves when cancellation is asked for; what to do about it is the workflow's own decision. */
  readonly cancelRequested: Promise<void>;
  /** RFC 3339. */
  protected readonly startTime: string;
  private readonly story: string[] = [];
  private phase: OperationPhase;

  /** `purpose` is what others who wait for the locks are told. */
  constructor(input: Input, purpose: string) {
    this.input = input;
    const { workflowId, runId, startTime } = workflowInfo();
    this.owner = { workflowId, runId };
    this.startTime = startTime.toISOString();
    this.timings = { ...DEFAULT_TIMINGS, ...input.timings };
    this.phase = { phase: 'WaitingForLocks', since: this.startTime };
    this.cancelRequested = CancellationScope.current().cancelRequested.catch(() => {
      this.isCancelled = true;
    });
    const { cluster, node, lockTimeoutMs } = input;
    const isCancelled = (): boolean => this.isCancelled;
    this.locks = new LockClient({ cluster, node, purpose, timeoutMs: lockTimeoutMs, isCancelled });
    logWith({ node, locks: this.locks });
    this.driver = new Driver(this);
    setHandler(operationPhase, () => this.phase, { description: 'What the operation is doing now, and since when' });
  }

  /** Boot id seen under the locks; a driver refuses steps for another boot. */
  abstract get bootId(): string | undefined;

  /** `online`, `offline-cpu` … */
  abstract readonly type: string;

  /** Gives all locks back, then tells how it ended. */
  abstract end(ending: Ending): Promise<Outcome>;

  /**
   * Runs `sequence` to its end. Cancellation never interrupts it from outside: what a cancelled operation does is part of
   * its sequence, and releases are always awaited.
   */
  async run(sequence: (operation: this) => Promise<Ending>): Promise<Outcome> {
    return CancellationScope.nonCancellable(async () => this.end(await sequence(this)));
  }

  /** Notes one line of the story that the Temporal UI shows. */
  tell(line: string): void {
    this.story.push(`${new Date().toISOString().slice(11, 23)} ${line}`);
    setCurrentDetails(describeStory(this.phase, this.story));
  }

  enter(phase: OperationPhase['phase'], detail?: string): void {
    // Readers leave one by one; the operation has waited since the first look.
    const isSameWait = phase === 'WaitingForReaders' && this.phase.phase === phase;
    const since = isSameWait ? this.phase.since : new Date().toISOString();
    this.phase = { phase, since, ...(detail ? { detail } : {}) };
    setCurrentDetails(describeStory(this.phase, this.story));
    log.debug('phase', { phase, ...(detail ? { detail } : {}) });
  }

  /** See NodeQueueContext. */
  async beforeLongWait(): Promise<void> {
    // Locks stay held: nobody else can work on this node either.
  }

  /** Takes locks in the given order: one request, which holds while it waits. */
  async take(...wanted: readonly WantedLock[]): Promise<Taken | Refused> {
    const startMs = Date.now();
    this.lockDeadlineMs = startMs + this.input.lockTimeoutMs;
    this.enter('WaitingForLocks', wanted.map((lock) => lock.name).join(', '));
    const answer = await this.locks.take(...wanted);
    const durationMs = Date.now() - startMs;
    if (answer.kind === 'refused') {
      const { errno, message: detail } = answer;
      this.tell(`locks refused: ${errno}: ${detail}`);
      log.info('locks refused', { errno, detail, durationMs });
    } else {
      for (const lock of answer.locks) this.tell(`took ${lock.name} (token ${String(lock.token)})`);
      log.info('locks taken', { locks: answer.locks.map(({ name }) => name), durationMs });
    }
    return answer;
  }

  async release(taken: Taken, ...names: LockName[]): Promise<void> {
    this.tellReleased(await this.locks.release(taken, ...names));
  }

  /** `mem_hotplug_done()`: the readers on the node are let in again, then the lock is given back. */
  async memHotplugDone(taken: Taken): Promise<void> {
    await this.driver.memHotplugDone();
    await this.release(taken);
  }

  /** Lets readers in and gives all locks back. */
  async releaseAll(): Promise<void> {
    this.enter('Releasing');
    await this.driver.memHotplugDone();
    const released = await this.locks.releaseAll();
    if (released.length > 0) this.tellReleased(released);
  }

  private tellReleased(locks: readonly LockName[]): void {
    this.tell(`released ${locks.join(', ')}`);
    log.debug('locks released', { locks });
  }

  /** What `end` tells last. */
  protected tellEnd({ result, errno, message: detail, noop }: Ending): void {
    this.enter('Ended', `${result}: ${detail}`);
    const durationMs = Date.now() - Date.parse(this.startTime);
    const how = { result, ...(errno ? { errno } : {}), ...(noop ? { noop } : {}), detail };
    log.info('operation ended', { operation: this.type, ...how, durationMs });
  }
}
