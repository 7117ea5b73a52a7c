/** The frame of the operations on CPUs and ZONE_DEVICE ranges: no object, no notifiers, nothing to look at again. */
import { upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { DeviceInput, DeviceOutcome } from '../src/contract/device-operations.ts';
import type { DeviceOperation as DeviceOperationType } from '../src/contract/driver.ts';
import { SEARCH_ATTRIBUTES } from '../src/contract/names.ts';
import type { Ending } from './ending.ts';
import { LockedRun } from './locked-run.ts';

const NODE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.node, 'KEYWORD');
const OPERATION = defineSearchAttributeKey(SEARCH_ATTRIBUTES.operation, 'KEYWORD');
const RESULT = defineSearchAttributeKey(SEARCH_ATTRIBUTES.result, 'KEYWORD');

export class DeviceOperation<Input extends DeviceInput> extends LockedRun<Input, DeviceOutcome> {
  override readonly type: DeviceOperationType;
  #bootId: string | undefined;

  /** `what`: `cpu1`, or the address of a range. */
  constructor(type: DeviceOperationType, input: Input, what: string) {
    super(input, `${type} ${what}`);
    this.type = type;
  }

  override get bootId(): string | undefined {
    return this.#bootId;
  }

  /** Learns which boot of the node it is that the driver steps are about. Caller holds its locks. */
  async seeBoot(): Promise<Ending | undefined> {
    const seen = await this.driver.inspect({ blockIds: [] });
    if ('result' in seen) return seen;
    this.#bootId = seen.bootId;
    return undefined;
  }

  /** Gives all locks back. Who started the operation directly can find it by the node and its result. */
  override async end(ending: Ending): Promise<DeviceOutcome> {
    const { result, errno, message, noop } = ending;
    await this.releaseAll();
    upsertSearchAttributes([
      { key: NODE, value: this.input.node },
      { key: OPERATION, value: this.type },
      { key: RESULT, value: result },
    ]);
    this.tellEnd(ending);
    return { type: this.type, result, message, ...(errno ? { errno } : {}), ...(noop ? { noop } : {}) };
  }
}
