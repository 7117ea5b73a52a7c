/** Drives one operation against a driver the way a workflow does: with tokens of every lock it holds, step by step. */
import { DEVICE_HOTPLUG_LOCK, deviceLock, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { DriverCall, DriverResult, DriverStep, MemoryRange } from '../../src/contract/driver.ts';
import type { MemoryDriver, StepContext } from '../../src/contract/memory-driver.ts';

/** What `driverCall` needs to know; everything else has a default. */
export type CallParts = Partial<DriverCall> & Pick<DriverCall, 'operation' | 'step' | 'bootId'>;

export const TEST_BLOCK_BYTES = 128 * 2 ** 20;

/** A call that holds `token` of D, M and its block's L. */
export function driverCall(parts: CallParts, token = 1, blockSizeBytes = TEST_BLOCK_BYTES): DriverCall {
  const blockId = parts.blockId;
  const range = parts.range ?? { start: (blockId ?? 0) * blockSizeBytes, size: blockSizeBytes };
  const locks = [DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK, ...(blockId === undefined ? [] : [deviceLock(blockId)])];
  return {
    node: 'worker-1',
    range,
    owner: { workflowId: 'w', runId: 'run-1' },
    tokens: Object.fromEntries(locks.map((lock) => [lock, token])),
    ...parts,
  };
}

export const UNINTERRUPTED: StepContext = { signal: new AbortController().signal, heartbeat: () => undefined };

/** One operation's run: `await run.step('prepare')`. Runs with a later token have taken the locks over. */
export class OperationRun {
  readonly #driver: MemoryDriver;
  readonly #parts: Omit<CallParts, 'step'>;
  readonly #token: number;

  constructor(driver: MemoryDriver, token: number, parts: Omit<CallParts, 'step'>) {
    this.#driver = driver;
    this.#token = token;
    this.#parts = { owner: { workflowId: 'w', runId: `run-${String(token)}` }, ...parts };
  }

  call(step: DriverStep, more: Partial<DriverCall> = {}): DriverCall {
    return driverCall({ ...this.#parts, ...more, step }, this.#token);
  }

  step(step: DriverStep, more: Partial<DriverCall> = {}, context = UNINTERRUPTED): Promise<DriverResult> {
    return this.#driver.step(this.call(step, more), context);
  }
}

export function blockRange(first: number, count: number): MemoryRange {
  return { start: first * TEST_BLOCK_BYTES, size: count * TEST_BLOCK_BYTES };
}
