/**
 * What all four operations share: locks taken and given back, the second look under device_hotplug_lock, the outcome
 * written last. Each operation's own file holds its sequence and nothing else.
 */
import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import { ActivityFailure, defineSearchAttributeKey } from '@temporalio/common';
import type { LookAgainResult, OperationActivities } from '../src/contract/activities.ts';
import type { MemoryRange, NodeInspection, RunReference } from '../src/contract/driver.ts';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../src/contract/lock-names.ts';
import { SEARCH_ATTRIBUTES } from '../src/contract/names.ts';
import type { OperationInput, OperationOutcome } from '../src/contract/operations.ts';
import { retryMessage } from '../src/contract/retry-message.ts';
import type { NotifierStatus } from '../src/contract/resources.ts';
import type { LockName, WantedLock } from '../src/kernel/lock.ts';
import type { OperationType } from '../src/kernel/memory-block.ts';
import type { Where } from './driver.ts';
import { failed, type Ending } from './ending.ts';
import type { Refused, Taken } from './lock-client.ts';
import { LockedRun } from './locked-run.ts';
import { HEARD_UNDER_LOCK } from './under-lock.ts';

const operationResult = defineSearchAttributeKey(SEARCH_ATTRIBUTES.result, 'KEYWORD');

const { lookAgain } = proxyActivities<OperationActivities>(HEARD_UNDER_LOCK);
const { recordOutcome } = proxyActivities<OperationActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '30 seconds' },
});

/** Locks taken one after the other, however many requests that took. */
export interface TakenInOrder {
  readonly kind: 'taken';
  /** Gives back the locks named, or all. */
  release(...names: readonly LockName[]): Promise<void>;
  /** `mem_hotplug_done()` where a driver step follows at once, which then lets the readers on the node in. */
  memHotplugDone(): Promise<void>;
}

/** The blocks and the notifier chain as found under device_hotplug_lock. */
export type Seen = Extract<LookAgainResult, { verdict: 'proceed' }> & NodeInspection;

type Indebted = Extract<LookAgainResult, { verdict: 'indebted' }>;

export class Operation<Input extends OperationInput = OperationInput> extends LockedRun<Input, OperationOutcome> {
  override readonly type: OperationType;
  /** Answers of the chains that were walked; a veto and the CANCEL that follows it stand together. */
  notifiers: readonly NotifierStatus[] = [];
  seen: Seen | undefined;
  /** Given back after the last lock, or when this node may keep it for ever. */
  permit: { release(): Promise<void> } | undefined;
  private fencingToken: number | undefined;

  constructor(type: OperationType, input: Input, what: string, purpose = `${type} ${what}`) {
    super(input, purpose);
    this.type = type;
  }

  /** Boot id under device_hotplug_lock; a driver refuses steps for another boot. */
  override get bootId(): string | undefined {
    return this.seen?.bootId;
  }

  /**
   * As `take`; in the fault mode it skips device_hotplug_lock and asks for one lock at a time, as the kernel's functions
   * do, so that the inversion which device_hotplug_lock prevents can be seen.
   */
  async takeInOrder(...wanted: readonly WantedLock[]): Promise<TakenInOrder | Refused> {
    const requests = this.input.withoutDeviceHotplugLock
      ? wanted.filter((lock) => lock.name !== DEVICE_HOTPLUG_LOCK).map((lock) => [lock])
      : [wanted];
    const taken: Taken[] = [];
    for (const locks of requests) {
      const answer = await this.take(...locks);
      if (answer.kind === 'refused') return answer;
      taken.push(answer);
    }
    return {
      kind: 'taken',
      release: async (...names) => {
        if (names.length === 0 || names.includes(MEM_HOTPLUG_LOCK)) await this.driver.memHotplugDone();
        await this.releaseOf(taken, names);
      },
      memHotplugDone: () => this.releaseOf(taken, [MEM_HOTPLUG_LOCK]),
    };
  }

  private async releaseOf(taken: readonly Taken[], names: readonly LockName[]): Promise<void> {
    for (const one of taken) {
      const held = one.locks.filter((lock) => names.length === 0 || names.includes(lock.name));
      if (held.length === one.locks.length) await this.release(one);
      else if (held.length > 0) await this.release(one, ...held.map((lock) => lock.name));
    }
  }

  /** Remembers the token of the block's device_lock: it is what later writers of the object's status compare. */
  rememberToken(name: LockName): void {
    this.fencingToken = this.locks.tokens[name] ?? this.fencingToken;
  }

  /** The physical range of one block; known once the operation has looked again. */
  rangeOf(blockId: number): MemoryRange {
    const size = this.seen?.blockSizeBytes ?? 0;
    return { start: blockId * size, size };
  }

  /**
   * Looks again, under device_hotplug_lock: at the device, at the object, at the registered notifiers. An ending means
   * that nothing is left to do, or no longer wanted, or cannot be found out. See lookAgain() for what to do about a debt.
   */
  async lookAgain(where: Where): Promise<Seen | Ending | Indebted> {
    this.enter('LookingAgain');
    const inspection = await this.driver.inspect(where);
    if ('result' in inspection) return inspection;
    const [first] = inspection.blocks;
    if (!first) return failed('EINVAL', 'the range names no block');
    const { cluster, node, block } = this.input;
    const { bootId, blockSizeBytes, onlineBytes } = inspection;
    const base = { cluster, type: this.type, node, owner: this.owner, startTime: this.startTime };
    const sizes = { blockSizeBytes, ...(onlineBytes === undefined ? {} : { onlineBytes }) };
    const summary = `look again: memory${String(first.blockId)} is ${first.state}`;
    let found: LookAgainResult;
    try {
      found = await lookAgain.executeWithOptions({ summary }, [
        { ...base, ...sizes, ...(block ? { block } : {}), inspection: first, bootId },
      ]);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return failed('EAGAIN', `could not look again: ${error.cause?.message ?? error.message}; will be tried again`);
    }
    if (found.verdict === 'indebted') return found;
    if (found.verdict === 'superseded') return { result: 'Superseded', message: found.message, bootId };
    if (found.verdict === 'refused') return { ...failed('EPERM', found.message, 'Deferred'), grounds: found.grounds };
    if (found.verdict === 'nothing-to-do') {
      const { state, zone } = first;
      return { result: 'Succeeded', noop: true, message: found.message, state, ...(zone ? { zone } : {}), bootId };
    }
    // Of a newer operator, as while one is rolled out: an answer that is not understood is no permission.
    if ((found.verdict as string) !== 'proceed') return failed('EAGAIN', 'an operator of another version looked again');
    this.seen = { ...found, ...inspection };
    return this.seen;
  }

  /**
   * One node that is dead must not stop every offline of the fleet. The operation goes on without a permit when its agent is
   * back: a permit guards no memory.
   */
  override async beforeLongWait(): Promise<void> {
    await this.permit?.release();
  }

  /**
   * Gives all locks back and then the permit, then writes the outcome: an API server that cannot be reached must hold
   * neither. `of`: whose outcome it is, this run's unless it recovers what another has left.
   */
  override async end(ending: Ending, of: RunReference | 'nobody' = this.owner): Promise<OperationOutcome> {
    await this.releaseAll();
    await this.permit?.release();
    const outcome: OperationOutcome = {
      ...ending,
      type: this.type,
      notifiers: this.notifiers,
      ...(this.seen ? { chain: this.seen.chain, bootId: this.seen.bootId } : {}),
      ...(this.fencingToken === undefined ? {} : { fencingToken: this.fencingToken }),
    };
    upsertSearchAttributes([{ key: operationResult, value: outcome.result }]);
    const { node, block } = this.input;
    if (block && of !== 'nobody') {
      this.enter('Recording');
      const summary = `record ${outcome.result} in ${block.name}`;
      const recorded = await recordOutcome.executeWithOptions({ summary }, [{ node, owner: of, block, outcome }]);
      if (recorded?.retryTime) this.tell(retryMessage(recorded.retryTime, outcome.result === 'Vetoed'));
    }
    this.tellEnd(ending);
    return outcome;
  }
}
