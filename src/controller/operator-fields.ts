/** The part of a MemoryBlock's status that the operator owns. */
import { isDeepStrictEqual } from 'node:util';
import type { MemoryBlockStatus, ObservedBlock } from '../contract/resources.ts';

const AGENT_FIELDS = {
  state: true,
  zone: true,
  physicalAddress: true,
  blockSize: true,
  bootId: true,
} as const satisfies Record<keyof ObservedBlock, true>;

/** `status` without what the agent owns; what is left out of a server-side apply is removed from the object. */
export function operatorFields(status: MemoryBlockStatus): MemoryBlockStatus {
  return Object.fromEntries(Object.entries(status).filter(([field]) => !(field in AGENT_FIELDS)));
}

/** The values of what the agent owns, always in the same order. */
export function observedValues(status: MemoryBlockStatus): readonly unknown[] {
  return (Object.keys(AGENT_FIELDS) as (keyof ObservedBlock)[]).map((field) => status[field]);
}

/** Whether writing `next` over `status` would change nothing. */
export function isSameStatus(status: MemoryBlockStatus | undefined, next: MemoryBlockStatus): boolean {
  return isDeepStrictEqual(operatorFields(status ?? {}), operatorFields(next));
}
