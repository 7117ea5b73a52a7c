/** `device_offline()` of one block; mirrors drivers/base/memory.c and mm/memory_hotplug.c `offline_pages()`, v6.12. */
import type { DriverResult } from '../src/contract/driver.ts';
import type { OfflineMemoryInput, OperationOutcome } from '../src/contract/operations.ts';
import { beginBlock } from './begin-block.ts';
import { commitOrAbort } from './commit-or-abort.ts';
import { driverFailed, vetoed, type Ending } from './ending.ts';
import { notify } from './notify.ts';
import { takeOfflinePermit } from './offline-permit.ts';
import { Operation, type TakenInOrder } from './operation.ts';

/**
 * A permit, where the fleet has a limit → D → L(b) → M:w; readers leave; going-offline; isolate; MEM_GOING_OFFLINE → migrate
 * until done, cancelled or timed out (EINTR) or EBUSY → point of no return → MEM_OFFLINE; drop M; state; drop L, D; the permit.
 */
export async function offlineMemory(input: OfflineMemoryInput): Promise<OperationOutcome> {
  const operation = new Operation('offline', input, `memory${String(input.blockId)}`);
  return operation.run(offline);
}

async function offline(operation: Operation<OfflineMemoryInput>): Promise<Ending> {
  const { blockId, offlineTimeoutMs } = operation.input;
  const unpermitted = await takeOfflinePermit(operation);
  if (unpermitted) return unpermitted;
  const begun = await beginBlock(operation, blockId);
  if ('result' in begun) return begun;
  return offlineBlock(operation, begun.seen.offlineTimeoutMs ?? offlineTimeoutMs, begun.locks);
}

/**
 * Guarantee: on a failure after isolation the pages are usable again before the whole chain is told MEM_CANCEL_OFFLINE; once they
 * are gone it is told MEM_OFFLINE, and the offline has succeeded, whatever became of its commit.
 */
async function offlineBlock(
  operation: Operation<OfflineMemoryInput>,
  timeoutMs: number,
  locks: TakenInOrder,
): Promise<Ending> {
  const { driver } = operation;
  const { blockId } = operation.input;
  const block = { blockId };
  const args = { operation: 'offline', blockId, range: operation.rangeOf(blockId) } as const;

  const prepared = await driver.step('prepare', args);
  if (!prepared.ok) return driverFailed(prepared);

  const going = await notify(operation, 'MEM_GOING_OFFLINE', block);
  let ending: Ending;
  if (going.kind === 'vetoed') {
    await driver.step('abort', args);
    ending = vetoed('MEM_GOING_OFFLINE', going);
  } else {
    const commit = () => driver.interruptibleStep('commit', { ...args, timeoutMs });
    ending = endingOf(blockId, await commitOrAbort(driver, args, commit));
  }
  await notify(operation, ending.result === 'Succeeded' ? 'MEM_OFFLINE' : 'MEM_CANCEL_OFFLINE', block);

  await locks.memHotplugDone();
  const finished = await driver.step('finish', args);
  return finished.ok ? ending : driverFailed(finished);
}

function endingOf(blockId: number, committed: DriverResult): Ending {
  if (!committed.ok) return driverFailed(committed);
  return { result: 'Succeeded', message: `memory${String(blockId)} is offline`, state: 'offline' };
}
