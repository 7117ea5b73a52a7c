/** What there is to tell of the node's memory at any moment, without reading all of it for each question. */
import type { Logger } from 'winston';
import type { DriverCapabilities } from '../../contract/resources.ts';
import type { WriteEnd } from './attribute-writer.ts';
import { BlockWatch } from './block-watch.ts';
import { isRefusal } from './capabilities.ts';
import { CapabilityWatch } from './capability-watch.ts';
import type { BlockAttributes, Blocks, SysfsMemory } from './sysfs-memory.ts';

export interface WatchedMemoryOptions {
  readonly memory: SysfsMemory;
  /** How soon a change by hand is noticed; 2 s when unset. */
  readonly pollIntervalMs?: number;
  /** How soon a change of what can be done is noticed; 1 min when unset. */
  readonly capabilityIntervalMs?: number;
  readonly logger: Logger;
  /** Told of every change of the blocks, or of what can be done to them. */
  readonly onChange: () => void;
}

const POLL_INTERVAL_MS = 2_000;
/** Where the agent may not write, each look is another line in the host's audit log. */
const CAPABILITY_INTERVAL_MS = 60_000;

export class WatchedMemory {
  readonly #memory: SysfsMemory;
  readonly #blocks: BlockWatch;
  readonly #capabilities: CapabilityWatch;

  /** Throws where memory cannot be looked at. Nothing goes on before `start`. */
  constructor(options: WatchedMemoryOptions) {
    const { memory, logger, onChange } = options;
    const { pollIntervalMs = POLL_INTERVAL_MS, capabilityIntervalMs = CAPABILITY_INTERVAL_MS } = options;
    this.#memory = memory;
    this.#capabilities = new CapabilityWatch({ memory, logger, intervalMs: capabilityIntervalMs, onChange });
    const blocksChanged = (): void => {
      // What could not be written may have been none of the blocks that are there now.
      if (!this.#capabilities.found.offline) this.#capabilities.lookAgain();
      onChange();
    };
    this.#blocks = new BlockWatch({ memory, logger, intervalMs: pollIntervalMs, onChange: blocksChanged });
  }

  get capabilities(): DriverCapabilities {
    return this.#capabilities.found;
  }

  start(): void {
    this.#blocks.start();
    this.#capabilities.start();
  }

  close(): void {
    this.#blocks.close();
    this.#capabilities.close();
  }

  /** All blocks: of a look not long ago, with what `read` and `written` have seen since. */
  all(): Blocks {
    return this.#blocks.blocks();
  }

  /** A block as it is now; undefined: it is not there. Throws where it cannot be read. */
  read(blockId: number): BlockAttributes | undefined {
    const block = this.#memory.block(blockId);
    this.#blocks.see(blockId, block);
    return block;
  }

  /** A write about a block goes on, or has come to its end: what it changes need not wait for the next look. */
  written(blockId: number | undefined, end?: WriteEnd): void {
    if (end?.call === 'open' && isRefusal(end.errno ?? '')) this.#capabilities.lookAgain();
    if (blockId === undefined) return;
    try {
      this.read(blockId);
    } catch {
      // The next look at all blocks tells of it.
    }
  }
}
