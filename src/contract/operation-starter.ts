/** What the controller needs from Temporal. Implemented in src/temporal/; every method rejects when the server is unreachable,
 * or not set up. */
import type { RecoveryRequest } from './dead-operation.ts';
import type { RunReference } from './driver.ts';
import type { OperationMemo, OperationPhase, OperationRequest } from './operations.ts';

export type StartResult =
  | { readonly kind: 'started'; readonly runId: string }
  /** One with this id runs: another replica's, or an older one. */
  | {
      readonly kind: 'already-running';
      readonly runId: string;
      readonly memo: OperationMemo;
      /** RFC 3339. */
      readonly startTime: string;
    };

export interface OperationDescription extends RunReference {
  readonly isRunning: boolean;
  readonly memo: OperationMemo;
  /** RFC 3339. */
  readonly startTime: string;
  /** Of a closed run, for people: `TERMINATED`, `COMPLETED` … */
  readonly closedAs?: string;
}

/** Thrown when the server answers and can run no operation, because its namespace was not prepared; says what to do. */
export class TemporalNotSetUpError extends Error {}

export interface OperationStarter {
  /** Workflow id, queue and summary follow from the request. At most one operation of a block runs at a time. */
  start(request: OperationRequest | RecoveryRequest, memo: OperationMemo): Promise<StartResult>;
  /** Undefined when the server does not know the run (any more). Without `runId`: the latest run. */
  describe(workflowId: string, runId?: string): Promise<OperationDescription | undefined>;
  /** Asks the run to end; what that means is the operation's own decision. Nothing happens if it is closed. */
  cancel(workflowId: string, runId: string): Promise<void>;
  /** Undefined when the run cannot answer now, because no worker runs it or it is closed. */
  phase(workflowId: string, runId: string): Promise<OperationPhase | undefined>;
}
