/** What a status says and about which facts: equal where one look has nothing new to say since another. */
import type { Condition, MemoryBlock, MemoryBlockStatus } from '../contract/resources.ts';
import { leaveOut } from './leave-out.ts';
import { observedValues } from './operator-fields.ts';

/** `next` is to replace the status of `block`. */
export function statusContent({ metadata, status = {} }: MemoryBlock, next: MemoryBlockStatus): unknown {
  const { uid, generation, deletionTimestamp } = metadata;
  const { operation, lastOperation, retry } = status;
  const facts = [uid, generation, deletionTimestamp, observedValues(status)];
  const ran = [operation?.runId, operation?.bootId, lastOperation?.runId, retry?.nextTime];
  const { observedGeneration, readyBootId, readyGeneration, conditions } = next;
  const doing = [next.operation?.runId, next.operation?.phase];
  const said = [observedGeneration, readyBootId, readyGeneration, doing, conditionsContent(conditions)];
  return [facts, ran, said];
}

/** Without the times at which they changed: those change back and forth with what others write. */
export function conditionsContent(conditions: readonly Condition[] = []): unknown {
  return conditions.map((condition) => leaveOut(condition, 'lastTransitionTime'));
}
