/** Looks at operations that run as they should, and says in their blocks how far they are. */
import type { MemoryBlock } from '../contract/resources.ts';
import type { RunningOperation } from './plan.ts';
import { progressOf, type OperationProgress, type ProgressSources } from './progress.ts';
import { RecentLooks } from './recent-looks.ts';
import { LONG_WAIT_MS } from './report-locks.ts';
import { CONFLICT_MS, type StatusReporter } from './report-status.ts';

/** How often a running operation is looked at. */
export const LOOK_MS = LONG_WAIT_MS;

export interface ObserverDependencies extends ProgressSources {
  /** Called while an operation has waited for locks of `node` for a while. */
  readonly onLongWait: (node: string) => void;
}

export class OperationObserver {
  readonly #deps: ObserverDependencies;
  readonly #reporter: StatusReporter;
  readonly #looks = new RecentLooks();

  constructor(dependencies: ObserverDependencies, reporter: StatusReporter) {
    this.#deps = dependencies;
    this.#reporter = reporter;
  }

  /** How long the last look at `operation` still holds; undefined when another is due. */
  holdsForMs(block: MemoryBlock, { runId }: RunningOperation): number | undefined {
    return this.#looks.holdsForMs(block, runId, this.#deps.clock.nowMs());
  }

  /** Nothing runs for the block any more. */
  forget(name: string): void {
    this.#looks.forget(name);
  }

  /** Resolves with the time after which to look again. */
  async observe(block: MemoryBlock, operation: RunningOperation): Promise<number | undefined> {
    const { clock, onLongWait } = this.#deps;
    const { nodeName } = block.spec;
    const ageMs = clock.nowMs() - Date.parse(operation.startTime);
    if (ageMs < LOOK_MS) return this.report(block, operation, LOOK_MS - Math.max(0, ageMs));
    let progress: OperationProgress | undefined;
    try {
      progress = await progressOf(this.#deps, nodeName, operation);
    } catch (error) {
      return this.#reporter.temporalUnavailable(block, error);
    }
    if (progress?.phase === 'WaitingForLocks') onLongWait(nodeName);
    return this.report(block, operation, LOOK_MS, progress);
  }

  /** As `observe`, of an operation that has just been started or asked. */
  async report(
    block: MemoryBlock,
    operation: RunningOperation,
    afterMs: number,
    progress?: OperationProgress,
  ): Promise<number | undefined> {
    const lookAgainMs = await this.#reporter.report(block, { kind: 'observe', operation }, afterMs, progress);
    const isConflict = lookAgainMs === undefined || lookAgainMs === CONFLICT_MS;
    if (!isConflict) this.#looks.note(block, operation.runId, this.#deps.clock.nowMs() + lookAgainMs);
    return lookAgainMs;
  }
}
