import type { MemoryNotify, NotifierReply } from '../../contract/notifier.ts';
import { isVetoable, type MemoryAction } from '../../kernel/memory-action.ts';
import { verdictOf } from './verdict.ts';

export interface SeenReply {
  readonly action: MemoryAction;
  readonly reply: NotifierReply;
}

/** A run that was begun in earnest. */
export interface SeenOperation {
  readonly going: MemoryAction;
  readonly reply: NotifierReply;
  /** Whether no other was under way when it began, as on a node. */
  readonly isAlone: boolean;
  /** The action that was answered as its end. */
  end?: MemoryAction;
}

/** What a plugin has answered so far, for whoever looks at all of it. */
export class Seen {
  /** Answers to GOING actions, also in dry runs. */
  readonly vetoes: SeenReply[] = [];
  /** Answers to all other actions. */
  readonly ends: SeenReply[] = [];
  readonly #operations = new Map<string, SeenOperation>();

  note({ action, runId, dryRun }: MemoryNotify, reply: NotifierReply): void {
    if (isVetoable(action)) {
      if (verdictOf(reply) === 'vetoed') this.vetoes.push({ action, reply });
      if (!dryRun) this.#begin(runId, action, reply);
    } else if (reply.kind === 'answer') {
      this.ends.push({ action, reply });
      const operation = this.#operations.get(runId);
      if (operation) operation.end ??= action;
    }
  }

  /** In the order in which they began. */
  get operations(): readonly SeenOperation[] {
    return [...this.#operations.values()];
  }

  #begin(runId: string, going: MemoryAction, reply: NotifierReply): void {
    if (this.#operations.has(runId)) return;
    const isAlone = this.operations.every(({ end }) => end !== undefined);
    this.#operations.set(runId, { going, reply, isAlone });
  }
}
