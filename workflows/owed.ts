/** Completes what an operation that died had begun to tell: for its recovery, and for whichever operation comes before that. */
import { proxyActivities } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { OperationActivities } from '../src/contract/activities.ts';
import { describeDeath, type Debt } from '../src/contract/dead-operation.ts';
import type { BlockInspection } from '../src/contract/driver.ts';
import type { OperationOutcome } from '../src/contract/operations.ts';
import type { NotifierStatus } from '../src/contract/resources.ts';
import type { MemoryAction } from '../src/kernel/memory-action.ts';
import { owedAction } from '../src/kernel/owed-action.ts';
import { failed, refused, type Ending } from './ending.ts';
import { blockDeviceLock, memHotplugLock } from './locks.ts';
import { walkChain } from './notify.ts';
import type { Operation } from './operation.ts';
import { UNDER_LOCK } from './under-lock.ts';

const { recordOutcome } = proxyActivities<OperationActivities>(UNDER_LOCK);

/** How the dead operation ended, as far as that can be told. */
export type Paid = Pick<OperationOutcome, 'notifiers'> & Ending;

/** An ending without `notifiers`: the node could not be asked. */
export function isPaid(ending: Paid | Ending): ending is Paid {
  return 'notifiers' in ending;
}

/**
 * Has the node settle what was left, then tells the whole chain how it came out: MEM_ONLINE or MEM_OFFLINE if the block got
 * there, else MEM_CANCEL_*. Answers are recorded and change nothing. May be repeated: notifiers are told at least once.
 * Caller holds device_hotplug_lock, device_lock of the block and mem_hotplug_lock (write). `isPatient`: waits for the agent
 * until the operation is cancelled.
 */
export async function deliverOwed(operation: Operation, debt: Debt, isPatient = false): Promise<Paid | Ending> {
  const { dead, blockId, autoOnline, notifiers, chain } = debt;
  operation.tell(`${describeDeath(dead)}: ${dead.type} memory${String(blockId)}`);
  const obstacle = isPatient ? await operation.driver.settlePatiently() : await operation.driver.settle();
  if (obstacle) return obstacle;
  const inspection = await operation.driver.inspect({ blockIds: [blockId] });
  if ('result' in inspection) return inspection;
  operation.seen = { verdict: 'proceed', autoOnline, notifiers, chain, ...inspection };

  const [found] = inspection.blocks;
  const left: BlockInspection = found ?? { blockId, state: 'absent' };
  const { bootId } = inspection;
  const isSameBoot = bootId === dead.bootId;
  const owed = isSameBoot ? owedAction(dead.type, left.state, autoOnline !== 'offline') : undefined;
  const calls = owed ? (await walkChain(operation, owed, { blockId }, dead.runId)).calls : [];
  const delivered = isSameBoot ? deliveredWords(owed, calls) : 'the node has rebooted since, so that nothing is owed';
  const message = `${describeDeath(dead)}; memory${String(blockId)} is ${left.state}; ${delivered}`;
  const { state, zone } = left;
  return { result: 'Unknown', message, state, ...(zone ? { zone } : {}), bootId, notifiers: calls };
}

/**
 * What an operation does that finds a debt at its second look: takes what it lacks of the locks, delivers, and records how
 * the dead operation ended. An ending means that this could not be done. Caller holds device_hotplug_lock.
 */
export async function payDebt(operation: Operation, debt: Debt): Promise<Ending | undefined> {
  const { tokens } = operation.locks;
  const lacking = [blockDeviceLock(debt.blockId), memHotplugLock].filter(({ name }) => tokens[name] === undefined);
  const taken = lacking.length > 0 ? await operation.take(...lacking) : undefined;
  if (taken?.kind === 'refused') return refused(taken);
  const paid = await deliverOwed(operation, debt);
  const obstacle = isPaid(paid) ? await record(operation, debt, paid) : paid;
  if (taken) await operation.release(taken);
  return obstacle;
}

async function record(operation: Operation, debt: Debt, paid: Paid): Promise<Ending | undefined> {
  const { block, dead, chain } = debt;
  if (!block) return undefined;
  const outcome: OperationOutcome = { ...paid, type: dead.type, chain };
  const summary = `record ${outcome.result} of ${dead.type} in ${block.name}`;
  try {
    const { node } = operation.input;
    await recordOutcome.executeWithOptions({ summary }, [{ node, owner: dead, block, outcome }]);
    return undefined;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const why = error.cause?.message ?? error.message;
    return failed('EAGAIN', `could not record how an operation before ended: ${why}; will be tried again`);
  }
}

function deliveredWords(owed: MemoryAction | undefined, calls: readonly NotifierStatus[]): string {
  if (!owed) return 'nobody is owed anything';
  if (calls.length === 0) return `no notifier is registered for ${owed}`;
  return `${owed} was told to ${calls.map(({ name }) => name).join(', ')}`;
}
