/** The part of a MemoryBlock's status that the operator owns. */
import { isDeepStrictEqual } from 'node:util';
import type { MemoryBlockStatus } from '../contract/resources.ts';

/** `status` without what the agent owns; what is left out of a server-side apply is removed from the object. */
export function operatorFields(status: MemoryBlockStatus): MemoryBlockStatus {
  const { state: _, zone: __, physicalAddress: ___, blockSize: ____, ...own } = status;
  return own;
}

/** Whether writing `next` over `status` would change nothing. */
export function isSameStatus(status: MemoryBlockStatus | undefined, next: MemoryBlockStatus): boolean {
  return isDeepStrictEqual(operatorFields(status ?? {}), operatorFields(next));
}
