/**
 * How a message gets to an entity workflow, which is started by the first one. A request goes as an update-with-start, which
 * brings the answer back at once. On any doubt, and for all else, it goes as a signal-with-start, which returns when it is
 * recorded. Entities know requests by id: one that arrives both ways is one.
 */
import { WithStartWorkflowOperation, type Client, type WorkflowStartOptions } from '@temporalio/client';

/** One entity workflow: how it is started where none runs, and by which names it is spoken to. */
export interface Entity {
  readonly type: string;
  readonly start: Omit<WorkflowStartOptions, 'args'> & { readonly args: [object] };
  readonly signal: string;
  readonly update: string;
}

type EntityWorkflow = (input: object) => Promise<void>;

/**
 * An update is answered within one workflow task, some 20 ms. The requester's own task is kept open meanwhile, so the wait
 * for an entity without a worker must stay well below the time that a workflow task may take.
 */
const ANSWER_TIMEOUT_MS = 1_000;

/** Sends the requests of one process. */
export class EntityRequests {
  readonly #client: Client;
  /**
   * Entities with an update of this process in flight. One at a time: beside another there is contention, and the answer
   * comes by signal anyway. The server lets ten be in flight per workflow, and an eleventh aborts the others; so up to ten
   * operators stay clear of that.
   */
  readonly #asked = new Set<string>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Undefined: it has not been sent, or has not been answered; whether it arrived is not known, and need not be. */
  async ask<Answer>(entity: Entity, message: object, requestId: string | undefined): Promise<Answer | undefined> {
    const { workflowId } = entity.start;
    if (this.#asked.has(workflowId)) return undefined;
    this.#asked.add(workflowId);
    try {
      return await askEntity<Answer>(this.#client, entity, message, requestId);
    } catch {
      // Aborted, too many in flight, no worker in time.
      return undefined;
    } finally {
      this.#asked.delete(workflowId);
    }
  }
}

/** The request's id as the update's: a repetition within one run of the entity is answered by the server. */
async function askEntity<Answer>(
  client: Client,
  { type, start, update }: Entity,
  message: object,
  requestId: string | undefined,
): Promise<Answer> {
  const startWorkflowOperation = new WithStartWorkflowOperation<EntityWorkflow>(type, {
    ...start,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
    client.workflow.executeUpdateWithStart<EntityWorkflow, Answer, [object]>(update, {
      args: [message],
      startWorkflowOperation,
      ...(requestId === undefined ? {} : { updateId: requestId }),
    }),
  );
}

/** Returns when the message is recorded. */
export async function tellEntity(client: Client, { type, start, signal }: Entity, message: object): Promise<void> {
  await client.workflow.signalWithStart<EntityWorkflow, [object]>(type, { ...start, signal, signalArgs: [message] });
}

/** Starts it where none runs. One that runs is left alone: not even an event in its history. */
export async function wakeEntity(client: Client, { type, start }: Entity): Promise<void> {
  await client.workflow.start<EntityWorkflow>(type, { ...start, workflowIdConflictPolicy: 'USE_EXISTING' });
}
