/**
 * When the operations that run were last looked at. A status changes whenever an operator or the agent writes it, and each
 * change leads to a look by every operator; without this, each of those would lead to requests.
 */
import type { MemoryBlock } from '../contract/resources.ts';

interface Look {
  readonly about: string;
  readonly nextMs: number;
}

export class RecentLooks {
  readonly #looks = new Map<string, Look>();

  /** `block` was looked at while `runId` ran; nothing is expected of it before `nextMs`. */
  note(block: MemoryBlock, runId: string, nextMs: number): void {
    this.#looks.set(block.metadata.name, { about: aboutOf(block, runId), nextMs });
  }

  /** How long the last look still holds; undefined when the next is due, or the block has changed in what matters. */
  holdsForMs(block: MemoryBlock, runId: string, nowMs: number): number | undefined {
    const look = this.#looks.get(block.metadata.name);
    if (!look || look.nextMs <= nowMs || look.about !== aboutOf(block, runId)) return undefined;
    return look.nextMs - nowMs;
  }

  forget(name: string): void {
    this.#looks.delete(name);
  }
}

/**
 * What a look goes by, apart from the operation itself: the object and its spec. What the agent sees changes as a rule just
 * before the outcome is written, which brings it into the conditions; of an operation that goes on, the next look does.
 */
function aboutOf({ metadata }: MemoryBlock, runId: string): string {
  return [metadata.uid, metadata.generation, metadata.deletionTimestamp, runId].join(' ');
}
