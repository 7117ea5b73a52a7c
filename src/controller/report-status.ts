/** Writes what is being done about a block into its status, and tells of it by an event where it is news. */
import { TemporalNotSetUpError } from '../contract/operation-starter.ts';
import type { MemoryBlock, MemoryBlockStatus } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Cluster, Log, WriteResult } from './cluster.ts';
import { eventOf } from './event-of.ts';
import { isSameStatus } from './operator-fields.ts';
import type { Action } from './plan.ts';
import type { OperationProgress } from './progress.ts';
import { RepeatedWrites } from './repeated-writes.ts';
import { statusContent } from './status-content.ts';
import { summarize } from './summarize.ts';

/** Somebody else has just written the object: their change is read at once, but two writers must not spin. */
export const CONFLICT_MS = 20;
/** Temporal's own client has retried for seconds already. */
const TEMPORAL_RETRY_MS = 5_000;

export class StatusReporter {
  readonly #deps: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Log };
  readonly #repeated: RepeatedWrites;

  constructor(dependencies: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Log }) {
    this.#deps = dependencies;
    this.#repeated = new RepeatedWrites(dependencies.clock);
  }

  /** The status that says that `action` is being taken. */
  summarize(block: MemoryBlock, action: Action, progress?: OperationProgress): MemoryBlockStatus {
    return summarize({ block, action, ...(progress ? { progress } : {}), nowMs: this.#deps.clock.nowMs() });
  }

  /**
   * Resolves with the time after which to look again: `lookAgainMs`; CONFLICT_MS when somebody else has written meanwhile; or
   * earlier than `lookAgainMs` when what was written last was replaced, and is to be written again.
   */
  async report(
    block: MemoryBlock,
    action: Action,
    lookAgainMs: number | undefined,
    progress?: OperationProgress,
  ): Promise<number | undefined> {
    const status = this.summarize(block, action, progress);
    const content = statusContent(block, status);
    const waitMs = this.#repeated.waitMs(block.metadata.name, content);
    if (isSameStatus(block.status, status)) return lookAgainMs;
    if (waitMs !== undefined) return Math.min(waitMs, lookAgainMs ?? Infinity);
    const result = await this.write(block, status);
    if (result === 'written') this.#repeated.written(block.metadata.name, content);
    return result === 'conflict' ? CONFLICT_MS : lookAgainMs;
  }

  temporalUnavailable(block: MemoryBlock, error: unknown): Promise<number | undefined> {
    this.#deps.log.warn('Temporal is unavailable', { ...logFields(block), error });
    const message =
      error instanceof TemporalNotSetUpError
        ? error.message
        : 'the Temporal server cannot be reached; operations that run go on when it is back. Check that it runs';
    return this.report(block, { kind: 'wait', reason: 'TemporalUnavailable', message }, TEMPORAL_RETRY_MS);
  }

  async write(block: MemoryBlock, status: MemoryBlockStatus): Promise<WriteResult> {
    if (isSameStatus(block.status, status)) return 'written';
    const result = await this.#deps.cluster.writeBlockStatus(block, status);
    const event = result === 'written' ? eventOf(block, status) : undefined;
    if (event) await this.#deps.cluster.recordEvent(block, event);
    return result;
  }
}

/** What every line about a block says. */
export function logFields({ metadata, spec, status }: MemoryBlock, operation = status?.operation): object {
  const workflow = operation ? { workflowId: operation.workflowId, runId: operation.runId } : {};
  return { block: metadata.name, node: spec.nodeName, ...workflow };
}
