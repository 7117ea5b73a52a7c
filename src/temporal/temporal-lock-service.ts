/** The lock entities on the real server, for the controller. */
import {
  Client,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { LockService } from '../contract/lock-service.ts';
import { LOCK_TABLE_QUERY, type LockTableView } from '../contract/locks.ts';
import { nodeLocksWorkflowId } from '../contract/names.ts';
import { wakeLockEntity } from './lock-activities.ts';

/** As for the controller's other calls: its next look is soon. */
const CALL_MS = 5_000;
/** A query is answered by a worker in milliseconds, or not now. */
const QUERY_MS = 2_000;

export class TemporalLockService implements LockService {
  readonly #client: Client;
  readonly #cluster: string;

  constructor({ connection, options: { namespace } }: Client, cluster: string) {
    // A closed entity would still answer, from its history; its answer would be about the past.
    this.#client = new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
    this.#cluster = cluster;
  }

  async table(node: string): Promise<LockTableView | 'stopped' | undefined> {
    const entity = this.#client.workflow.getHandle(nodeLocksWorkflowId(this.#cluster, node));
    try {
      return await this.#client.withDeadline(Date.now() + QUERY_MS, () =>
        entity.query<LockTableView>(LOCK_TABLE_QUERY),
      );
    } catch (error) {
      if (error instanceof QueryRejectedError || error instanceof WorkflowNotFoundError) return 'stopped';
      if (error instanceof QueryNotRegisteredError || error instanceof ServiceError) return undefined;
      throw error;
    }
  }

  async wake(node: string): Promise<void> {
    await this.#client.withDeadline(Date.now() + CALL_MS, () => wakeLockEntity(this.#client, this.#cluster, node));
  }
}
