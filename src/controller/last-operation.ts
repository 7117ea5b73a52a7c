/** What the last operation left behind: the word for it, and whether the block still has to wait because of it. */
import type { Reason } from '../contract/conditions.ts';
import type { LastOperation, MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { Errno } from '../kernel/errno.ts';

/** Errnos that the same attempt will meet again until somebody changes something. */
const PERMANENT: ReadonlySet<Errno> = new Set(['EINVAL', 'E2BIG', 'EOPNOTSUPP', 'EPERM', 'EHWPOISON']);

const REASON_OF_CAUSE = {
  AgentUnavailable: 'AgentUnavailable',
  LockTimeout: 'TimedOut',
  Deadlock: 'Deadlock',
  Infeasible: 'Infeasible',
  Deferred: 'Deferred',
} as const satisfies Record<NonNullable<LastOperation['cause']>, Reason>;

/** The reason that a block shows after an operation that did not succeed; undefined after one that did. */
export function reasonOfFailure(last: LastOperation): Reason | undefined {
  if (last.result === 'Succeeded' || last.result === 'Superseded') return undefined;
  if (last.cause) return REASON_OF_CAUSE[last.cause];
  if (last.result !== 'Failed') return last.result;
  return last.errno === 'ETIMEDOUT' || last.errno === 'EINTR' ? 'TimedOut' : 'Failed';
}

/** Whether trying the same again is pointless until a person has changed something. */
export function needsPerson({ cause, errno, result }: LastOperation): boolean {
  if (cause) return cause === 'Infeasible';
  return result === 'Failed' && errno !== undefined && PERMANENT.has(errno);
}

/**
 * Until when the block waits before its next try; undefined when it may be tried now. A changed spec, a changed notifier
 * chain where that was in the way, or floor of the node, and the return of an agent that was missing each end the wait.
 */
export function retryWaitMs(block: MemoryBlock, node: NodeMemory, chain: string, nowMs: number): number | undefined {
  const { retry, lastOperation } = block.status ?? {};
  if (!retry || !lastOperation || lastOperation.generation !== block.metadata.generation) return undefined;
  if (retry.chain !== undefined && retry.chain !== chain) return undefined;
  if (retry.minOnline !== undefined && retry.minOnline !== node.spec.minOnline) return undefined;
  if (lastOperation.cause === 'AgentUnavailable' && returnedSince(node, lastOperation.completionTime)) return undefined;
  const untilMs = Date.parse(retry.nextTime);
  return untilMs > nowMs ? untilMs : undefined;
}

function returnedSince(node: NodeMemory, time: string): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === 'AgentReady');
  return ready?.status === 'True' && Date.parse(ready.lastTransitionTime) > Date.parse(time);
}
