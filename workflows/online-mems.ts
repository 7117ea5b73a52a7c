/**
 * `get_online_mems()` and `put_online_mems()` for workflows, also of other workers: mem_hotplug_lock of a node in read
 * mode. Users' page: docs/using-the-locks.md.
 */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MEM_HOTPLUG_LOCK } from '../src/contract/lock-names.ts';
import { LockClient, type Taken } from './lock-client.ts';

export interface OnlineMemsOptions {
  /** The cluster's id: first part of all its workflow ids. */
  readonly cluster: string;
  readonly node: string;
  /** Shown to whoever waits for this reader: `backup of worker-1`. The workflow's type and id when unset. */
  readonly purpose?: string | undefined;
  /** How long to wait for writers, then ETIMEDOUT. Unset: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /**
   * `workflowId` of the notification that made this workflow start, where a notifier plugin did. The operation that asks
   * the plugin holds the lock and waits for the plugin: EDEADLK, instead of waiting until the plugin's time is over.
   */
  readonly causedBy?: string | undefined;
}

/** A read lock that is held; ends with `putOnlineMems` and in no other way but those that docs/locks.md lists. */
export interface OnlineMems {
  readonly node: string;
  readonly locks: LockClient;
  readonly taken: Taken;
}

/**
 * Holds the memory of a node in place: until `putOnlineMems`, no memory is added to it, removed, put online or offline by
 * an operation. Readers share. A waiting writer turns later readers away, so do not ask twice: a second request of a run
 * that holds the lock already is refused (EDEADLK) as soon as a writer waits between the two.
 *
 * Throws rather than returns when there is no lock, because a caller who does not look would read unlocked: an
 * ApplicationFailure, not retryable, whose type is the errno (`ETIMEDOUT`, `EDEADLK`, `ENOLCK`), or a CancelledFailure when
 * the scope is cancelled while it waits. Nothing is held then.
 */
export async function getOnlineMems(options: OnlineMemsOptions): Promise<OnlineMems> {
  const { workflowType, workflowId } = workflowInfo();
  const scope = CancellationScope.current();
  const { cluster, node, timeoutMs, causedBy, purpose = `${workflowType} ${workflowId}` } = options;
  const locks = new LockClient({
    cluster,
    node,
    purpose,
    isCancelled: () => scope.consideredCancelled,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(causedBy === undefined ? {} : { causedBy }),
  });
  const taken = await locks.take({ name: MEM_HOTPLUG_LOCK, mode: 'read' });
  if (taken.kind === 'taken') return { node, locks, taken };
  const { errno, message } = taken;
  if (errno === 'ECANCELED') throw new CancelledFailure(message);
  throw ApplicationFailure.create({ message: `${errno}: ${message}`, type: errno, nonRetryable: true });
}

/** Lets writers go on. A second call does nothing; it works in a cancelled scope too, so a `finally` is the place for it. */
export async function putOnlineMems({ locks, taken }: OnlineMems): Promise<void> {
  await locks.release(taken);
}
