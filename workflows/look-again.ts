/** The second look of an operation. Before it does anything of its own, it completes what a dead one has left. */
import type { Where } from './driver.ts';
import type { Ending } from './ending.ts';
import type { Operation, Seen } from './operation.ts';
import { payDebt } from './owed.ts';

/** An ending means that the operation is over before it began. Caller holds device_hotplug_lock. */
export async function lookAgain(operation: Operation, where: Where): Promise<Seen | Ending> {
  const found = await operation.lookAgain(where);
  if (!('debt' in found)) return found;
  return (await payDebt(operation, found.debt)) ?? lookAgain(operation, where);
}
