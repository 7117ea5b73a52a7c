/** The step of an online or offline after which there are two ways to end. */
import { patched } from '@temporalio/workflow';
import type { DriverResult } from '../src/contract/driver.ts';
import type { Driver, StepArguments } from './driver.ts';

/**
 * Commits, and undoes what was prepared if that failed. How a commit came out may not have been heard: its agent went away, or the
 * operation was cancelled between two attempts. So a failure counts only once `abort` has not found the change made; where
 * it has, that is the result. Caller holds device_hotplug_lock, device_lock of the block and mem_hotplug_lock (write).
 */
export async function commitOrAbort(
  driver: Driver,
  args: StepArguments,
  commit: () => Promise<DriverResult>,
): Promise<DriverResult> {
  const committed = await commit();
  if (committed.ok) return committed;
  const aborted = await driver.step('abort', args);
  const hasHappened = aborted.ok && aborted.committed === true;
  // An earlier version may have told the chain of a CANCEL in spite of that answer.
  return hasHappened && patched('abort-tells-committed') ? aborted : committed;
}
