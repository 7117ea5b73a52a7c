/** What a queue and its workers tell of themselves, in the terms of controller-runtime; who measures is somebody else. */

/** As controller-runtime labels a look: done for now, failed, or to be repeated after a while. */
export type QueueResult = 'success' | 'error' | 'requeue_after';

export interface QueueState {
  /** Keys that wait to be processed, those included that were added while being processed. */
  readonly depth: number;
  /** For how long each key that is being processed has been. */
  readonly runningMs: readonly number[];
}

export interface QueueMetrics {
  /** A key was added that was not waiting already. */
  added(): void;
  /** A key is to be added later. */
  retried(): void;
  /** `waitedMs`: from the key's addition to its processing. */
  started(waitedMs: number): void;
  ended(result: QueueResult, workedMs: number): void;
}

export interface ControllerMetrics {
  /** Called once for each queue. `state` answers for the moment at which it is called. */
  queue(controller: string, concurrency: number, state: () => QueueState): QueueMetrics;
  /** The outcome of an operation was recorded: once for each run that changed, or was to change, a MemoryBlock. */
  operationEnded(type: string, result: string, durationMs: number | undefined): void;
}
