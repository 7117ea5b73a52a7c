/** What a lock entity tells others: answers to requesters, reports to people, figures to Prometheus. */
import {
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  proxySinks,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { LockServiceActivities } from '../src/contract/activities.ts';
import type { LockMetricsSinks } from '../src/contract/lock-metrics.ts';
import { LOCK_DENIED_SIGNAL, LOCK_GRANTED_SIGNAL, type LockDenied, type LockGranted } from '../src/contract/locks.ts';
import type { LockEffect } from '../src/kernel/lock-request.ts';
import { lockClassOf, type LockdepReport } from '../src/kernel/lockdep.ts';

const lockGranted = defineSignal<[LockGranted]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[LockDenied]>(LOCK_DENIED_SIGNAL);
export const { lockMetrics } = proxySinks<LockMetricsSinks>();

const { reportLockdep } = proxyActivities<LockServiceActivities>({
  startToCloseTimeout: '10 seconds',
  // It stands in the current details and in the log too; an API server that is away must not keep the entity.
  scheduleToCloseTimeout: '5 minutes',
  summary: 'report an order of locks that can deadlock',
});

type Answer = Extract<LockEffect, { kind: 'grant' | 'deny' }>;
export type UndeliveredGrant = Extract<LockEffect, { kind: 'grant' }>;

export class LockMail {
  readonly #node: string;
  readonly #onUndelivered: (grant: UndeliveredGrant) => void;
  #outbound = 0;

  /** `onUndelivered`: the run that a grant is for has closed. */
  constructor(node: string, onUndelivered: (grant: UndeliveredGrant) => void) {
    this.#node = node;
    this.#onUndelivered = onUndelivered;
  }

  /** Nothing is on its way: continuing as new before that would lose it. */
  get isEmpty(): boolean {
    return this.#outbound === 0;
  }

  carryOut(effect: LockEffect): void {
    switch (effect.kind) {
      case 'grant':
      case 'deny':
        this.keepTrackOf(() => this.#send(effect));
        break;
      case 'lockdep':
        this.#warnOfOrder(effect.report);
        this.keepTrackOf(() => reportLockdep({ node: this.#node, report: effect.report }).catch(() => undefined));
        break;
      case 'acquired':
        lockMetrics.acquired(lockClassOf(effect.lock.name), effect.lock.mode, effect.waitMs);
        break;
      case 'released':
        lockMetrics.released(lockClassOf(effect.lock.name), effect.lock.mode, effect.holdMs);
        break;
    }
  }

  /**
   * Counts `work` as on its way until it is done. Messages are handled in the scope of the whole workflow, whose
   * cancellation means nothing here; it must not reach what they begin.
   */
  keepTrackOf(work: () => Promise<void>): void {
    this.#outbound += 1;
    void CancellationScope.nonCancellable(work).finally(() => (this.#outbound -= 1));
  }

  #warnOfOrder({ cycle, chains, message: detail }: LockdepReport): void {
    log.warn('locks were taken in an order that can deadlock', { node: this.#node, cycle, chains, detail });
  }

  async #send(answer: Answer): Promise<void> {
    const { id, holder } = answer;
    const run = getExternalWorkflowHandle(holder.workflowId, holder.runId);
    try {
      if (answer.kind === 'grant') await run.signal(lockGranted, { id, grants: answer.grants });
      else {
        const { errno, message, cycle } = answer;
        if (cycle) log.warn('lock request refused: it would close a wait-for cycle', { node: this.#node, cycle });
        await run.signal(lockDenied, { id, errno, message, ...(cycle ? { cycle } : {}) });
      }
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      log.info('the requester of a lock is gone', { node: this.#node, id, error: error.message });
      if (answer.kind === 'grant') this.#onUndelivered(answer);
    }
  }
}
