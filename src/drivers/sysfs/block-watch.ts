/**
 * Notices when blocks change, whoever changes them. Attributes of sysfs do not support inotify, and uevents come by netlink,
 * which Node does not have: so all blocks are read again and again.
 */
import type { Logger } from 'winston';
import type { BlockAttributes, SysfsMemory } from './sysfs-memory.ts';

export interface BlockWatchOptions {
  readonly memory: SysfsMemory;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/** A look at all blocks takes no more than this share of the time: a node with very many is looked at less often. */
const LOOKS_TIME_SHARE = 0.02;

export class BlockWatch {
  readonly #options: BlockWatchOptions;
  #fingerprint: string;
  #timer: NodeJS.Timeout;
  /** Told once in the log for as long as it is the same. */
  #failure = '';

  constructor(options: BlockWatchOptions) {
    this.#options = options;
    this.#fingerprint = JSON.stringify(options.memory.blocks());
    this.#timer = this.#lookLater(0);
  }

  /** All blocks as they are now. Tells of a change since the last look. */
  look(): Readonly<Record<number, BlockAttributes>> {
    const blocks = this.#options.memory.blocks();
    const fingerprint = JSON.stringify(blocks);
    if (fingerprint !== this.#fingerprint) {
      this.#fingerprint = fingerprint;
      this.#options.onChange();
    }
    return blocks;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookLater(lookTookMs: number): NodeJS.Timeout {
    const delayMs = Math.max(this.#options.intervalMs, lookTookMs / LOOKS_TIME_SHARE);
    return setTimeout(() => {
      const startMs = performance.now();
      this.#tryLook();
      this.#timer = this.#lookLater(performance.now() - startMs);
    }, delayMs).unref();
  }

  #tryLook(): void {
    try {
      this.look();
      this.#failure = '';
    } catch (error) {
      const failure = String(error);
      if (failure !== this.#failure) this.#options.logger.error('memory blocks cannot be read', { error: failure });
      this.#failure = failure;
    }
  }
}
