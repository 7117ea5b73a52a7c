import { ApplicationFailure } from '@temporalio/common';
import { LockClient } from '../../../workflows/lock-client.ts';
import { LOCK_SET, PATIENCE_MS, type TakenLocks, type Taking } from './taking.ts';

/** Ours, as an operation workflow uses it: one request for all locks, one release. */
export async function takeNodeLocks({ cluster, node }: Taking): Promise<TakenLocks> {
  const startedMs = Date.now();
  const client = new LockClient({
    cluster,
    node,
    purpose: 'benchmark',
    timeoutMs: PATIENCE_MS,
    isCancelled: () => false,
  });
  const taken = await client.take(...LOCK_SET.map((name) => ({ name, mode: 'write' as const })));
  if (taken.kind === 'refused') throw ApplicationFailure.nonRetryable(taken.message, taken.errno);
  const waitMs = Date.now() - startedMs;
  await client.release(taken);
  return { waitMs, tokens: taken.locks.map((lock) => lock.token) };
}
