/** What the permit entity knows and tells: the permit table, the grants on their way, the look at holders that may be dead. */
import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import {
  DEFAULT_PERMIT_TIMINGS,
  PERMIT_GRANTED_SIGNAL,
  PERMIT_MESSAGE_SIGNAL,
  type OfflinePermitsInput,
  type PermitGranted,
  type PermitMessage,
  type PermitServiceActivities,
  type PermitTimings,
  type RequestPermitAnswer,
} from '../src/contract/offline-permits.ts';
import { describePermitTable, viewPermitTable, type PermitTableView } from '../src/contract/permit-table-view.ts';
import { readPermitMessage } from '../src/contract/read-permit-message.ts';
import type { LockHolder } from '../src/kernel/lock.ts';
import {
  applyPermitEvent,
  EMPTY_PERMIT_TABLE,
  isPermitAwaited,
  isPermitHeld,
  type FoundPermit,
  type PermitEvent,
  type PermitTable,
} from '../src/kernel/permit-table.ts';
import { orDropped, orRejected } from './drop-malformed.ts';
import { ResetDetector } from './reset-detector.ts';

const permitGranted = defineSignal<[PermitGranted]>(PERMIT_GRANTED_SIGNAL);

const { findClosedHolders } = proxyActivities<PermitServiceActivities>({
  // 1,000 holders, 32 at a time, at 150 ms each.
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

type EventBody = PermitEvent extends infer Event ? (Event extends PermitEvent ? Omit<Event, 'nowMs'> : never) : never;

export class PermitEntity {
  table: PermitTable;
  /** Grows with every reset: what was begun before is about a table that is no longer believed. */
  era = 0;
  readonly #timings: PermitTimings;
  readonly #resets = new ResetDetector();
  #outbound = 0;
  #isWatching = false;
  /** The run whose grant is the answer of the update that is being handled. */
  #answered: string | undefined;

  constructor({ carried, timings }: OfflinePermitsInput) {
    this.table = carried ?? EMPTY_PERMIT_TABLE;
    this.#timings = { ...DEFAULT_PERMIT_TIMINGS, ...timings };
  }

  get view(): PermitTableView {
    return viewPermitTable(this.table);
  }

  /** Nothing is granted: it is not known, or after a reset not known any more, who holds a permit. */
  get isRecovering(): boolean {
    return this.table.isRecovering || this.#resets.isReset;
  }

  /** Nothing is on its way: continuing as new before that would lose it. */
  get isQuiet(): boolean {
    return !this.isRecovering && this.#outbound === 0;
  }

  /** A message by signal. */
  receive(sent: unknown): void {
    const message = orDropped(PERMIT_MESSAGE_SIGNAL, readPermitMessage(sent));
    if (message) this.#take(message);
  }

  #take(message: PermitMessage): void {
    if (message.kind === 'request') this.#apply({ kind: 'request', ...message.request });
    else this.#apply({ kind: 'release', runId: message.holder.runId });
  }

  /**
   * Throws unless `sent` is a message that may come by update. While the entity recovers it must come by signal: the updates that the
   * server repeats after a reset are not replayed in the order in which they were handled.
   */
  admit(sent: unknown): void {
    const { kind } = orRejected(readPermitMessage(sent));
    if (kind !== 'request') throw ApplicationFailure.nonRetryable('only requests come by update; send a signal');
    if (this.isRecovering) throw ApplicationFailure.nonRetryable('the permits are being recovered; send a signal');
  }

  /** A request by update: the grant is the answer if there is a permit now, else it is told by signal. */
  answer(sent: unknown): RequestPermitAnswer {
    const message = orRejected(readPermitMessage(sent));
    const runId = message.kind === 'request' ? message.request.holder.runId : '';
    this.#answered = runId;
    this.#take(message);
    this.#answered = undefined;
    return { kind: isPermitHeld(this.table, runId) ? 'granted' : 'pending' };
  }

  /** Begins to grant. */
  open(found: readonly FoundPermit[]): void {
    this.#apply({ kind: 'open', found });
  }

  /** After a reset the table is that of an earlier moment: permits that were granted since then are missing in it. */
  noticeReset(): void {
    if (!this.#resets.isReset) return;
    this.#resets.acknowledge();
    log.warn('this permit entity was reset: it finds out who holds a permit before it grants again');
    this.era += 1;
    const { limit, finished } = this.table;
    this.table = { ...EMPTY_PERMIT_TABLE, limit, finished };
  }

  /** Shows the table, and sees to it that those are looked at who are in somebody's way. */
  refresh(): void {
    setCurrentDetails(describePermitTable(this.view));
    if (this.#isAwaited() && !this.#isWatching) this.#keepWatch();
  }

  /** The only way in which the table changes. */
  #apply(event: EventBody): void {
    this.noticeReset();
    const { table, granted } = applyPermitEvent(this.table, { ...event, nowMs: Date.now() });
    this.table = table;
    for (const holder of granted) {
      if (holder.runId !== this.#answered) this.#keepTrackOf(() => this.#tell(holder));
    }
    this.refresh();
  }

  async #tell({ workflowId, runId }: LockHolder): Promise<void> {
    try {
      await getExternalWorkflowHandle(workflowId, runId).signal(permitGranted, { runId });
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      // Its run has closed: the next in the queue must not wait for a dead one.
      log.info('the offline that a permit was granted to is gone', { workflowId, runId, error: error.message });
      this.#apply({ kind: 'release', runId });
    }
  }

  /** Messages are handled in the scope of the whole workflow, whose cancellation means nothing here. */
  #keepTrackOf(work: () => Promise<void>): void {
    this.#outbound += 1;
    void CancellationScope.nonCancellable(work).finally(() => (this.#outbound -= 1));
  }

  #keepWatch(): void {
    this.#isWatching = true;
    void CancellationScope.nonCancellable(() => this.#watch()).finally(() => (this.#isWatching = false));
  }

  /** Looks at the holders while somebody waits; at the same ones ever more rarely: they are slow, as a rule, and not dead. */
  async #watch(): Promise<void> {
    const { livenessMs, livenessMaxMs } = this.#timings;
    let inTheWay = '';
    for (let periodMs = livenessMs; this.#isAwaited();) {
      const isOver = await condition(() => !this.#isAwaited(), periodMs, { summary: 'an offline waits for a permit' });
      if (isOver) return;
      if (this.isRecovering) continue;
      await this.#reclaim();
      const now = this.#holders.map(({ runId }) => runId).join();
      periodMs = now === inTheWay ? Math.min(2 * periodMs, livenessMaxMs) : livenessMs;
      inTheWay = now;
    }
  }

  /**
   * Gives on the permits of runs that are closed. Nothing needs to be settled on their nodes first: a permit says how many
   * offlines are begun, and guards no memory; the locks of the node do, and they wait for the settlement.
   */
  async #reclaim(): Promise<void> {
    const { era } = this;
    this.#outbound += 1;
    const summary = 'are the offlines that hold a permit still alive?';
    const closed = await findClosedHolders
      .executeWithOptions({ summary }, [{ holders: this.#holders }])
      // Looked at again soon.
      .catch(() => []);
    this.#outbound -= 1;
    if (this.era !== era) return;
    for (const runId of closed) this.#apply({ kind: 'release', runId });
  }

  #isAwaited(): boolean {
    return isPermitAwaited(this.table);
  }

  get #holders(): readonly LockHolder[] {
    return this.table.entries.filter(({ isHeld }) => isHeld).map(({ holder }) => holder);
  }
}
