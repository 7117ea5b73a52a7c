/**
 * What the kernel never needs: an operation that died (was terminated, as a rule) between the notifications that belong
 * together is completed by another run, from the state that its block was left in.
 */
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { OperationActivities } from '../src/contract/activities.ts';
import type { Debt, RecoverMemoryInput } from '../src/contract/dead-operation.ts';
import type { OperationOutcome } from '../src/contract/operations.ts';
import { failed, refused, type Ending } from './ending.ts';
import { blockDeviceLock, deviceHotplugLock, memHotplugLock } from './locks.ts';
import { Operation } from './operation.ts';
import { deliverOwed, isPaid, type Paid } from './owed.ts';
import { HEARD_UNDER_LOCK } from './under-lock.ts';

const { findDebt } = proxyActivities<OperationActivities>(HEARD_UNDER_LOCK);

/**
 * D → L(b) → M:w, as the dead operation; what it left is settled; MEM_ONLINE, MEM_OFFLINE or MEM_CANCEL_* → drop M, L, D →
 * the outcome of the dead operation is recorded. Changes no memory but by the settlement. When it cannot do its work (no
 * locks in time, cancelled while the agent is away) it records nothing, so that whoever looks next starts it again.
 */
export async function recoverMemory(input: RecoverMemoryInput): Promise<OperationOutcome> {
  const { dead, blockId } = input;
  const what = `memory${String(blockId)}`;
  const operation = new Operation(dead.type, input, what, `recover ${dead.type} ${what}`);
  return CancellationScope.nonCancellable(async () => {
    const ending = await recover(operation);
    return operation.end(ending, isPaid(ending) ? dead : 'nobody');
  });
}

async function recover(operation: Operation<RecoverMemoryInput>): Promise<Paid | Ending> {
  const lock = blockDeviceLock(operation.input.blockId);
  const locks = await operation.take(deviceHotplugLock, lock, memHotplugLock);
  if (locks.kind === 'refused') return refused(locks);
  operation.rememberToken(lock.name);
  const debt = await lookForDebt(operation);
  if (!debt) return { result: 'Succeeded', noop: true, message: 'somebody else has delivered already' };
  if ('result' in debt) return debt;
  const paid = await deliverOwed(operation, debt, true);
  if (isPaid(paid)) operation.notifiers = paid.notifiers;
  return paid;
}

async function lookForDebt({ input }: Operation<RecoverMemoryInput>): Promise<Debt | Ending | undefined> {
  const { node, blockId, block, dead } = input;
  const summary = `what is owed by ${dead.type} memory${String(blockId)}`;
  try {
    return await findDebt.executeWithOptions({ summary }, [{ node, blockId, dead, ...(block ? { block } : {}) }]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return failed('EAGAIN', `could not look: ${error.cause?.message ?? error.message}; will be tried again`);
  }
}
