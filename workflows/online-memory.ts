/** `device_online()` of one block; mirrors drivers/base/core.c and drivers/base/memory.c, v6.12. */
import { MEM_HOTPLUG_LOCK } from '../src/contract/lock-names.ts';
import type { OnlineMemoryInput, OperationOutcome } from '../src/contract/operations.ts';
import { refused, type Ending } from './ending.ts';
import { blockDeviceLock, deviceHotplugLock, memHotplugLock } from './locks.ts';
import { onlineBlock } from './online-block.ts';
import { Operation, runOperation } from './operation.ts';

/** D → L(b) → M:w; MEM_GOING_ONLINE → commit → MEM_ONLINE; drop M; state; drop L, D. Cancelled once locks are held: goes on. */
export async function onlineMemory(input: OnlineMemoryInput): Promise<OperationOutcome> {
  const operation = new Operation('online', input, `memory${String(input.blockId)}`);
  return runOperation(operation, online);
}

async function online(operation: Operation<OnlineMemoryInput>): Promise<Ending> {
  const { blockId } = operation.input;
  const lock = blockDeviceLock(blockId);
  const taken = await operation.takeInOrder(deviceHotplugLock, lock, memHotplugLock);
  if (taken.kind === 'refused') return refused(taken);
  operation.rememberToken(lock.name);

  const seen = await operation.lookAgain({ blockIds: [blockId] });
  if ('result' in seen) return seen;
  const onlineType = seen.onlineType ?? operation.input.onlineType;
  return onlineBlock(operation, { blockId, onlineType, memHotplugDone: () => taken.release(MEM_HOTPLUG_LOCK) });
}
