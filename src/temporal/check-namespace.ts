/** Whether the namespace can be used; asked with no more rights than a worker has anyway. */
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import { TemporalNotSetUpError } from '../contract/operation-starter.ts';
import { grpcCodeOf } from './no-answer.ts';

const INVALID_ARGUMENT = 3;
const CALL_MS = 5_000;
const REMEDY = 'run `memhp setup` with the same TEMPORAL_* settings';

/**
 * Rejects with a TemporalNotSetUpError when the namespace or one of its search attributes is missing: a query that names all of
 * them is refused then. Whatever else keeps the server from answering (its visibility store is away) is no reason to wait.
 */
export async function checkNamespace(client: Client): Promise<void> {
  const query = Object.values(SEARCH_ATTRIBUTES).map((name) => `${name} = "nothing"`);
  try {
    await client.withDeadline(Date.now() + CALL_MS, () => client.workflow.count(query.join(' AND ')));
  } catch (error) {
    const notSetUp = asNotSetUp(error, client.options.namespace);
    if (notSetUp) throw notSetUp;
  }
}

/** What a failed call tells of a namespace that was not set up; undefined: it failed for another reason. */
export function asNotSetUp(error: unknown, namespace: string): TemporalNotSetUpError | undefined {
  if (error instanceof NamespaceNotFoundError) {
    return new TemporalNotSetUpError(`Temporal has no namespace ${namespace}: ${REMEDY}`, { cause: error });
  }
  const details = detailsOf(error);
  if (grpcCodeOf(error) !== INVALID_ARGUMENT || !/search attribute/i.test(details)) return undefined;
  const what = `namespace ${namespace} of Temporal lacks search attributes (${details})`;
  return new TemporalNotSetUpError(`${what}: ${REMEDY}`, { cause: error });
}

function detailsOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) ? cause.details : '';
}
