/** A Temporal server in memory: at most one operation runs per workflow id, and ends when a test says so. */
import { operationWorkflowId } from '../../src/contract/names.ts';
import type { RecoveryRequest } from '../../src/contract/dead-operation.ts';
import type { OperationDescription, OperationStarter, StartResult } from '../../src/contract/operation-starter.ts';
import type {
  OperationMemo,
  OperationOutcome,
  OperationPhase,
  OperationRequest,
} from '../../src/contract/operations.ts';
import { applyOutcome } from '../../src/controller/record-outcome.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import { BOOT, CLUSTER } from './block-fixtures.ts';
import type { FakeClock } from './fake-clock.ts';
import type { FakeCluster } from './fake-cluster.ts';

export interface FakeRun {
  readonly request: OperationRequest | RecoveryRequest;
  readonly memo: OperationMemo;
  readonly workflowId: string;
  readonly runId: string;
  readonly startTime: string;
  isRunning: boolean;
  isCancelRequested: boolean;
  closedAs?: string;
}

export class FakeOperations implements OperationStarter {
  isReachable = true;
  progress: OperationPhase | undefined;
  readonly runs: FakeRun[] = [];
  /** Requests that a real controller would have sent to the server. */
  requests = 0;
  /** Called between the start of a run and the answer that says so. */
  onStarted: ((run: FakeRun) => void) | undefined;
  readonly #clock: FakeClock;
  readonly #cluster: FakeCluster;

  constructor(clock: FakeClock, cluster: FakeCluster) {
    this.#clock = clock;
    this.#cluster = cluster;
  }

  /** `add`, `online` … in the order in which they were started. */
  get started(): readonly string[] {
    return this.runs.map(({ request }) => request.type);
  }

  running(): FakeRun {
    const run = this.runs.find(({ isRunning }) => isRunning);
    if (!run) throw new Error(`nothing runs; started were ${this.started.join() || 'none'}`);
    return run;
  }

  /** Ends the running operation as its workflow would: agent's view first, then the outcome. */
  end(outcome: Partial<OperationOutcome> = {}): void {
    const run = this.running();
    const { type: started, input } = run.request;
    const type = run.memo.type;
    const runId = run.memo.recovers ?? run.runId;
    run.isRunning = false;
    run.closedAs = 'COMPLETED';
    const name = input.block?.name ?? '';
    if (!this.#cluster.blocks.has(name)) return;
    const full: OperationOutcome = {
      type,
      result: started === 'recover' ? 'Unknown' : 'Succeeded',
      message: 'done',
      notifiers: [],
      ...outcome,
    };
    const generation = input.block?.generation ?? 0;
    this.#cluster.patchStatus(name, (before) => {
      const status = leaveOut(before, 'zone');
      const seen = full.result === 'Succeeded' ? SEEN_AFTER[type] : { state: status.state ?? 'absent' };
      return applyOutcome({ ...status, ...seen }, { outcome: full, runId, generation, nowMs: this.#clock.nowMs() });
    });
  }

  /** The running operation takes its second look, as its workflow would: from here on it may ask notifiers. */
  lookAgain(): void {
    const { memo, workflowId, runId, startTime, request } = this.running();
    const operation = { type: memo.type, workflowId, runId, startTime, phase: 'Driving', bootId: BOOT };
    this.#cluster.patchStatus(request.input.block?.name ?? '', (status) => ({ ...status, operation }));
  }

  terminate(): FakeRun {
    const run = this.running();
    run.isRunning = false;
    run.closedAs = 'TERMINATED';
    return run;
  }

  async start(request: OperationRequest | RecoveryRequest, memo: OperationMemo): Promise<StartResult> {
    await this.#reach();
    const blockId = Number(/\d+$/.exec(request.input.block?.name ?? '')?.[0]);
    const workflowId = operationWorkflowId(CLUSTER, request.input.node, blockId);
    const other = this.runs.find((run) => run.isRunning && run.workflowId === workflowId);
    if (other) {
      const { runId, memo: theirs, startTime } = other;
      return { kind: 'already-running', runId, memo: theirs, startTime };
    }
    const runId = `run-${String(this.runs.length + 1)}`;
    const startTime = new Date(this.#clock.nowMs()).toISOString();
    const run = { request, memo, workflowId, runId, startTime, isRunning: true, isCancelRequested: false };
    this.runs.push(run);
    this.onStarted?.(run);
    return { kind: 'started', runId };
  }

  async describe(workflowId: string, runId?: string): Promise<OperationDescription | undefined> {
    await this.#reach();
    return this.runs.findLast((run) => run.workflowId === workflowId && (!runId || run.runId === runId));
  }

  async cancel(workflowId: string, runId: string): Promise<void> {
    await this.#reach();
    const run = this.runs.find((one) => one.workflowId === workflowId && one.runId === runId);
    if (run) run.isCancelRequested = true;
  }

  async phase(): Promise<OperationPhase | undefined> {
    await this.#reach();
    return this.progress;
  }

  async #reach(): Promise<void> {
    this.requests++;
    await Promise.resolve();
    if (!this.isReachable) throw new Error('connection refused');
  }
}

const SEEN_AFTER = {
  add: { state: 'offline' },
  online: { state: 'online', zone: 'Normal' },
  offline: { state: 'offline' },
  remove: { state: 'absent' },
} as const;
