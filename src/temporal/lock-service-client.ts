/** The locks of a cluster's nodes, for people: look at them, and take one away from its holder. */
import {
  QueryRejectedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import {
  LOCK_TABLE_QUERY,
  RELEASE_LOCK_UPDATE,
  type LockTableView,
  type ReleaseLockInput,
  type ReleaseLockResult,
} from '../contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../contract/names.ts';
import { grpcCodeOf, isNoAnswer } from './no-answer.ts';

/** What a node's lock entity had to say. */
export type NodeLocksAnswer =
  | { readonly node: string; readonly kind: 'table'; readonly table: LockTableView }
  /** Nobody has ever asked for a lock there. */
  | { readonly node: string; readonly kind: 'never-ran' }
  | { readonly node: string; readonly kind: 'closed' }
  /** `reason` says what to do about it. */
  | { readonly node: string; readonly kind: 'silent'; readonly reason: string };

export type ReleaseAnswer =
  | ({ readonly kind: 'released' } & ReleaseLockResult)
  /** The lock entity's own words. */
  | { readonly kind: 'refused'; readonly message: string }
  /** No lock entity runs, so no lock is held. */
  | { readonly kind: 'no-entity' }
  | { readonly kind: 'silent'; readonly reason: string }
  /** Taken up, and going on; the settlement takes longer than was waited for. */
  | { readonly kind: 'unfinished' };

/** Of an answer. A lock entity that has to be read from its history first takes a second. */
const ANSWER_LIMIT_MS = 10_000;
/** Lock entities asked at once; each may have to be read from its history first. */
const CONCURRENT_QUERIES_MAX = 16;

export class LockServiceClient {
  readonly #client: Client;
  readonly #cluster: string;
  readonly #answerLimitMs: number;

  /** `client` must reject queries of closed workflows, as that of `connectClient` does. */
  constructor(client: Client, cluster: string, answerLimitMs = ANSWER_LIMIT_MS) {
    this.#client = client;
    this.#cluster = cluster;
    this.#answerLimitMs = answerLimitMs;
  }

  /** One answer for each of `nodes`, in their order. One limit for all: who does not answer in time is `silent`. */
  async read(nodes: readonly string[]): Promise<readonly NodeLocksAnswer[]> {
    const deadlineMs = Date.now() + this.#answerLimitMs;
    const answers: NodeLocksAnswer[] = [];
    for (let next = 0; next < nodes.length; next += CONCURRENT_QUERIES_MAX) {
      const some = nodes.slice(next, next + CONCURRENT_QUERIES_MAX);
      answers.push(...(await Promise.all(some.map((node) => this.#readOne(node, deadlineMs)))));
    }
    return answers;
  }

  /** Waits `timeoutMs` for the settlement. Whatever is answered, a release that was taken up goes on. */
  async release(node: string, input: ReleaseLockInput, timeoutMs: number): Promise<ReleaseAnswer> {
    let update: WorkflowUpdateHandle<ReleaseLockResult>;
    try {
      update = await this.#client.withDeadline(Date.now() + this.#answerLimitMs, () =>
        this.#entityOf(node).startUpdate<ReleaseLockResult, [ReleaseLockInput]>(RELEASE_LOCK_UPDATE, {
          args: [input],
          waitForStage: 'ACCEPTED',
        }),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'no-entity' };
      return refusalOf(error) ?? { kind: 'silent', reason: this.#silence(error) };
    }
    try {
      const result = await this.#client.withDeadline(Date.now() + timeoutMs, () => update.result());
      return { kind: 'released', ...result };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'unfinished' };
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      return refusal;
    }
  }

  async #readOne(node: string, deadlineMs: number): Promise<NodeLocksAnswer> {
    try {
      const table = await this.#client.withDeadline(deadlineMs, () =>
        this.#entityOf(node).query<LockTableView>(LOCK_TABLE_QUERY),
      );
      return { node, kind: 'table', table };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { node, kind: 'never-ran' };
      if (error instanceof QueryRejectedError) return { node, kind: 'closed' };
      return { node, kind: 'silent', reason: this.#silence(error) };
    }
  }

  #entityOf(node: string) {
    return this.#client.workflow.getHandle(nodeLocksWorkflowId(this.#cluster, node));
  }

  /** Why there is no answer, and what to do. Throws what is no silence. */
  #silence(error: unknown): string {
    const isLate = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
    if (isLate || isNoAnswer(error)) {
      const limit = `${String(this.#answerLimitMs / 1000)} s`;
      const queue = locksTaskQueue(this.#cluster);
      return `The lock service has not answered within ${limit}: does an operator run (memhp operator)? It serves task queue ${queue}.`;
    }
    if (grpcCodeOf(error) === UNAVAILABLE) return 'The Temporal server has gone away.';
    throw error;
  }
}

/** gRPC status code. */
const UNAVAILABLE = 14;

function refusalOf(error: unknown): Extract<ReleaseAnswer, { kind: 'refused' }> | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined;
  return { kind: 'refused', message: error.cause?.message ?? error.message };
}
