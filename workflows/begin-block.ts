/** How online and offline of one block begin: D → L(b) → M:w in one request, the second look, then the readers leave. */
import { refused, type Ending } from './ending.ts';
import { blockDeviceLock, deviceHotplugLock, memHotplugLock } from './locks.ts';
import { lookAgain } from './look-again.ts';
import type { Operation, Seen, TakenInOrder } from './operation.ts';

export interface BegunBlock {
  readonly seen: Seen;
  readonly locks: TakenInOrder;
}

/** An ending means that the operation is over before it began; what it holds is given back by the frame. */
export async function beginBlock(operation: Operation, blockId: number): Promise<BegunBlock | Ending> {
  const lock = blockDeviceLock(blockId);
  const locks = await operation.takeInOrder(deviceHotplugLock, lock, memHotplugLock);
  if (locks.kind === 'refused') return refused(locks);
  operation.rememberToken(lock.name);
  const seen = await lookAgain(operation, { blockIds: [blockId] });
  if ('result' in seen) return seen;
  // After the look: where nothing is left to do, nobody on the node is kept waiting.
  const kept = await operation.driver.memHotplugBegin();
  return kept ?? { seen, locks };
}
