/** Of a call to a workflow: nobody is there to answer it, as opposed to a server that cannot be reached. */
import { isGrpcServiceError } from '@temporalio/client';

/**
 * gRPC status codes. Of a call that took too long, CANCELLED (1) where the server was the first to notice, else
 * DEADLINE_EXCEEDED (4); FAILED_PRECONDITION (9): the server knows of no worker that could answer.
 */
const NO_ANSWER: readonly number[] = [1, 4, 9];

export function isNoAnswer(error: unknown): boolean {
  const code = grpcCodeOf(error);
  return code !== undefined && NO_ANSWER.includes(code);
}

export function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) ? cause.code : undefined;
}
