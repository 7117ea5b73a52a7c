/** `device_online()` of one block; mirrors drivers/base/core.c and drivers/base/memory.c, v6.12. */
import type { OnlineMemoryInput, OperationOutcome } from '../src/contract/operations.ts';
import { beginBlock } from './begin-block.ts';
import type { Ending } from './ending.ts';
import { onlineBlock } from './online-block.ts';
import { Operation } from './operation.ts';

/** D → L(b) → M:w; readers leave; MEM_GOING_ONLINE → commit → MEM_ONLINE; drop M; state; drop L, D. Cancelled once locks are held: goes on. */
export async function onlineMemory(input: OnlineMemoryInput): Promise<OperationOutcome> {
  const operation = new Operation('online', input, `memory${String(input.blockId)}`);
  return operation.run(online);
}

async function online(operation: Operation<OnlineMemoryInput>): Promise<Ending> {
  const { blockId, onlineType: wanted } = operation.input;
  const begun = await beginBlock(operation, blockId);
  if ('result' in begun) return begun;
  const onlineType = begun.seen.onlineType ?? wanted;
  return onlineBlock(operation, { blockId, onlineType, memHotplugDone: () => begun.locks.memHotplugDone() });
}
