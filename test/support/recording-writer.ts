/** What a StatusPublisher needs around it. */
import type { MemoryBlock } from '../../src/contract/resources.ts';
import type { Clock } from '../../src/controller/clock.ts';
import type { StatusWriter } from '../../src/agent/status-publisher.ts';

/** Of worker-1. */
export function memoryBlock(blockId: number, status?: MemoryBlock['status']): MemoryBlock {
  const spec = { nodeName: 'worker-1', blockId, deletionPolicy: 'Retain', driftPolicy: 'Report' } as const;
  const object = {
    metadata: { name: `worker-1-memory${String(blockId)}` },
    spec: { ...spec, offlineTimeoutSeconds: 1, lockTimeoutSeconds: 1 },
  };
  return status ? { ...object, status } : object;
}

/** Timers that fire only when the test says so. */
export class ManualClock implements Clock {
  readonly #timers = new Map<() => void, number>();
  nowMs(): number {
    return Date.parse('2026-01-02T03:04:05Z');
  }
  after(delayMs: number, run: () => void): () => void {
    this.#timers.set(run, delayMs);
    return () => this.#timers.delete(run);
  }
  fire(isDue: (delayMs: number) => boolean): void {
    for (const [run, delayMs] of [...this.#timers]) {
      if (!isDue(delayMs)) continue;
      this.#timers.delete(run);
      run();
    }
  }
}

/** An API server: keeps what is written; can be down, for all objects or for some. */
export class RecordingWriter implements StatusWriter {
  readonly written: { name: string; status: object }[] = [];
  readonly refused = new Set<string>();
  attempts = 0;
  isDown = false;
  /** Awaited during each write. */
  onWrite: (name: string, status: object) => unknown = () => undefined;

  writeNode(name: string, status: object): Promise<void> {
    return this.#write(name, status);
  }
  writeBlock(name: string, status: object): Promise<void> {
    return this.#write(name, status);
  }
  lastOf(name: string): object | undefined {
    return this.written.findLast((each) => each.name === name)?.status;
  }
  async #write(name: string, status: object): Promise<void> {
    this.attempts++;
    await this.onWrite(name, status);
    if (this.isDown) throw new Error('connection refused');
    if (this.refused.has(name)) throw new Error(`${name} is invalid`);
    this.written.push({ name, status });
  }
}
