/**
 * Locks without a time limit: a holder is finished when its run is known to be closed and the node's agent has settled its
 * tokens. It is looked at only while somebody waits; an agent that cannot be reached keeps the locks held, visibly.
 */
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { CancellationScope, proxyActivities, sleep } from '@temporalio/workflow';
import type { LockServiceActivities, NodeActivities, SettleInput, SettleResult } from '../src/contract/activities.ts';
import type { ReleaseLockInput, ReleaseLockResult } from '../src/contract/locks.ts';
import { nodeTaskQueue } from '../src/contract/names.ts';
import { DEFAULT_LOCK_TIMINGS, type LockTimings, type NodeLocksInput } from '../src/contract/node-locks.ts';
import { holdersOf, type LockRequestState } from '../src/kernel/lock-queue.ts';
import { awaitedHolders, awaitedRuns, waitingSinceMs } from '../src/kernel/lock-table.ts';
import type { LockEntity } from './lock-entity.ts';
import { isNotStarted } from './not-started.ts';

/** The agent interrupts a write and waits until it has returned; its attempt is repeated by the next agent. */
const SETTLE_MS = 60_000;
const SETTLE_SILENCE_MS = 5_000;

const { describeHolders, auditLockRelease } = proxyActivities<LockServiceActivities>({
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

export class LockLiveness {
  readonly #entity: LockEntity;
  readonly #input: NodeLocksInput;
  readonly #timings: LockTimings;
  #isWatching = false;
  #isReclaiming = false;

  constructor(entity: LockEntity, input: NodeLocksInput) {
    this.#entity = entity;
    this.#input = input;
    this.#timings = { ...DEFAULT_LOCK_TIMINGS, ...input.timings };
    entity.onWait = () => {
      if (!this.#isWatching) void CancellationScope.nonCancellable(() => this.#watch());
    };
  }

  /** Settles every token below `below`: what earlier runs granted cannot be found out. Returns when that is done. */
  async settleAll(below: number): Promise<void> {
    const { livenessMs, livenessMaxMs } = this.#timings;
    for (let pauseMs = livenessMs; ; pauseMs = Math.min(2 * pauseMs, livenessMaxMs)) {
      const over = await this.#whyNodeIsOver();
      if (over !== undefined || (await this.#settle({ below }))) return;
      await sleep(pauseMs, { summary: 'the agent of the node does not answer' });
    }
  }

  /** See RELEASE_LOCK_UPDATE. */
  async releaseByHand(input: ReleaseLockInput): Promise<ReleaseLockResult> {
    const { lock, token, by, reason, isUnsafe } = input;
    const { id, holder, purpose } = this.holderToRelease(input);
    if (!isUnsafe && !(await this.#settle({ tokens: { [lock]: token } }))) {
      throw ApplicationFailure.nonRetryable(
        `${this.#entity.view.unsettled ?? ''}; nothing was released. Start the agent, or repeat with --unsafe if it is certain that nothing on the node works for ${purpose} any more`,
        'AgentUnavailable',
      );
    }
    this.#entity.apply({ kind: 'release', id, names: [lock] });
    this.#entity.reclaimed('released-by-hand');
    this.#entity.publish();
    const { node } = this.#input;
    const summary = `tell that ${by} released ${lock}`;
    await auditLockRelease
      .executeWithOptions({ summary }, [{ node, lock, token, holder, purpose, by, reason, isUnsafe }])
      // It stands in this history as well; an API server that is away does not undo the release.
      .catch(() => undefined);
    return { id, lock, holder, purpose, isSettled: !isUnsafe };
  }

  /** Throws, for whoever asks, when nobody holds `lock` with `token`. */
  holderToRelease({ lock, token }: Pick<ReleaseLockInput, 'lock' | 'token'>): LockRequestState {
    const { table, node, isRecovering } = this.#entity;
    const holders = holdersOf(table, lock);
    const found = holders.find((request) => request.held.some((held) => held.name === lock && held.token === token));
    if (found && !isRecovering && found.pending.length > 0) {
      const message = `${found.purpose} holds ${lock} only while it waits for ${found.pending[0]?.name ?? ''}; cancel its workflow ${found.holder.workflowId} instead`;
      throw ApplicationFailure.nonRetryable(message, 'StillWaiting');
    }
    if (found && !isRecovering) return found;
    const tokens = holders.flatMap(({ purpose, held }) =>
      held.filter(({ name }) => name === lock).map((held) => `${purpose} with token ${String(held.token)}`),
    );
    const now = holders.length > 0 ? `it is held by ${tokens.join(', ')}` : 'nobody holds it';
    const why = isRecovering ? 'the lock service is recovering; try again in a moment' : now;
    const message = `${lock} of ${node} is not held with token ${String(token)}: ${why}`;
    throw ApplicationFailure.nonRetryable(message, 'TokenMismatch');
  }

  /** Runs while somebody waits. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    const { livenessMs, livenessMaxMs } = this.#timings;
    let periodMs = livenessMs;
    let inTheWay = '';
    let lookAtMs = (waitingSinceMs(this.#entity.table) ?? Date.now()) + livenessMs;
    while (this.#entity.isAwaited) {
      await this.#entity.expireUntil(lookAtMs);
      if (Date.now() < lookAtMs) continue;
      if (!this.#isReclaiming && !this.#entity.isRecovering) this.#entity.mail.keepTrackOf(() => this.#reclaim());
      const now = awaitedHolders(this.#entity.table)
        .map(({ runId }) => runId)
        .join();
      // The same ones are looked at ever more rarely: they are slow, as a rule, and not dead.
      periodMs = now === inTheWay ? Math.min(2 * periodMs, livenessMaxMs) : livenessMs;
      inTheWay = now;
      lookAtMs = Date.now() + periodMs;
    }
    this.#isWatching = false;
  }

  /** Gives on what closed runs hold or wait for. */
  async #reclaim(): Promise<void> {
    this.#isReclaiming = true;
    await this.#reclaimOnce().finally(() => (this.#isReclaiming = false));
  }

  async #reclaimOnce(): Promise<void> {
    const entity = this.#entity;
    const { cluster, node } = this.#input;
    const { era } = entity;
    const found = await describeHolders
      .executeWithOptions({ summary: 'are those in the way still alive?' }, [
        { cluster, node, holders: awaitedRuns(entity.table) },
      ])
      .catch(() => undefined);
    if (entity.era !== era) return;
    if (!found) {
      entity.noteUnsettled(
        'whether those in the way are alive cannot be found out; check the operator and its servers',
      );
      return;
    }
    for (const runId of found.closed) entity.apply({ kind: 'closed', runId });
    entity.publish();
    const over = closedHolders(entity);
    if (over.length === 0) return;
    const tokens = tokensOf(over);
    const runs = [...new Set(over.map(({ holder }) => holder.runId))];
    const isNodeOver = found.nodeIsOver !== undefined;
    const isSettled = isNodeOver || Object.keys(tokens).length === 0 || (await this.#settle({ tokens, runs }));
    if (!isSettled || entity.era !== era) return;
    for (const runId of runs) {
      entity.apply({ kind: 'settled', runId });
      entity.reclaimed(isNodeOver ? 'node-over' : 'closed');
    }
    entity.noteUnsettled(undefined);
  }

  async #whyNodeIsOver(): Promise<string | undefined> {
    const { cluster, node } = this.#input;
    const found = await describeHolders({ cluster, node, holders: [] }).catch(() => undefined);
    return found?.nodeIsOver;
  }

  /** Whether the node's agent has done it; if not, says why not where people look. */
  async #settle(input: Omit<SettleInput, 'node'>): Promise<boolean> {
    const { cluster, node } = this.#input;
    const { settle } = proxyActivities<NodeActivities>({
      taskQueue: nodeTaskQueue(cluster, node),
      startToCloseTimeout: SETTLE_MS,
      heartbeatTimeout: SETTLE_SILENCE_MS,
      scheduleToStartTimeout: this.#timings.agentStartMs,
      retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds', maximumAttempts: 3 },
    });
    const what = input.tokens ? Object.keys(input.tokens).join(', ') : 'all locks';
    let overtaken: SettleResult['overtaken'];
    try {
      ({ overtaken } = await settle.executeWithOptions({ summary: `settle ${what}` }, [{ node, ...input }]));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      this.#entity.noteUnsettled(whyUnsettled(node, error, this.#timings.agentStartMs));
      return false;
    }
    this.#entity.noteUnsettled(undefined);
    for (const [name, token] of Object.entries(overtaken ?? {})) this.#entity.overtaken(name, token);
    return true;
  }
}

function closedHolders({ table }: LockEntity): readonly LockRequestState[] {
  return table.requests.filter((request) => request.isClosed);
}

/** Readers have no tokens to settle: no driver step demands one. */
function tokensOf(requests: readonly LockRequestState[]): Readonly<Record<string, number>> {
  const written = requests.flatMap(({ held }) => held.filter(({ mode }) => mode === 'write'));
  return Object.fromEntries(written.sort((a, b) => a.token - b.token).map(({ name, token }) => [name, token]));
}

function whyUnsettled(node: string, error: ActivityFailure, agentStartMs: number): string {
  if (isNotStarted(error)) {
    return `the agent of ${node} has not answered for ${String(agentStartMs / 1000)} s; check that it runs`;
  }
  return `the agent of ${node} could not settle: ${error.cause?.message ?? error.message}; its log says more`;
}
