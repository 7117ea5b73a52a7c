/**
 * Notices when blocks change, whoever changes them. Attributes of sysfs do not support inotify, and uevents come by netlink,
 * which Node does not have: so all blocks are read again and again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'winston';
import { formatBlockRanges } from '../../contract/block-ranges.ts';
import type { BlockAttributes, Blocks, SysfsMemory } from './sysfs-memory.ts';

export interface BlockWatchOptions {
  readonly memory: Pick<SysfsMemory, 'blocks'>;
  /** How soon a change is noticed; on a node with very many blocks it takes longer. */
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly onChange: () => void;
  /** Milliseconds of CPU that this thread has used, and of time; for tests. */
  readonly clock?: WatchClock;
}

export interface WatchClock {
  cpuMs(): number;
  nowMs(): number;
}

/** Looks at all blocks take no more than this share of a core: a node with very many is looked at less often. */
const LOOKS_CPU_SHARE = 0.02;
/** Who asks for all blocks is content with a look of this age: one every half a second, however many ask. */
const FRESH_MS = 500;

const THREAD_CLOCK: WatchClock = {
  cpuMs: () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  },
  nowMs: () => performance.now(),
};

export class BlockWatch {
  readonly #options: BlockWatchOptions;
  readonly #clock: WatchClock;
  #blocks: Blocks = {};
  #lookedAtMs = 0;
  #restMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Each told once in the log, for as long as it is the same. */
  #failure = '';
  #unreadable = '';

  /** Throws where the directory itself cannot be read. */
  constructor(options: BlockWatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? THREAD_CLOCK;
    this.#blocks = this.#look();
  }

  /** From now on it looks by itself, until it is closed. */
  start(): void {
    // A timer may come a fraction of a millisecond early, and the look would be put off once more.
    const delayMs = Math.max(this.#options.intervalMs, this.#restMs) + 1;
    this.#timer = setTimeout(() => {
      this.#tryLook();
      this.start();
    }, delayMs).unref();
  }

  /**
   * All blocks as they were at most half a second ago, or the time that a look takes fifty times; what `see` was told is
   * newer. Tells of a change since the last look.
   */
  blocks(): Blocks {
    const ageMs = this.#clock.nowMs() - this.#lookedAtMs;
    if (ageMs >= Math.max(this.#restMs, Math.min(FRESH_MS, this.#options.intervalMs))) this.#become(this.#look());
    return this.#blocks;
  }

  /** A block as it has just been read; undefined: it is not there. */
  see(blockId: number, block: BlockAttributes | undefined): void {
    if (isDeepStrictEqual(this.#blocks[blockId], block)) return;
    const others = Object.entries(this.#blocks).filter(([id]) => Number(id) !== blockId);
    this.#become({ ...Object.fromEntries(others), ...(block ? { [blockId]: block } : {}) });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #become(blocks: Blocks): void {
    const isChange = !isDeepStrictEqual(blocks, this.#blocks);
    this.#blocks = blocks;
    if (isChange) this.#options.onChange();
  }

  /** A block that cannot be read is taken for what it was when it last could be. */
  #look(): Blocks {
    const startMs = this.#clock.cpuMs();
    const unreadable = new Map<number, string>();
    const blocks = this.#options.memory.blocks((blockId, error) => {
      unreadable.set(blockId, String(error));
      return this.#blocks[blockId];
    });
    this.#lookedAtMs = this.#clock.nowMs();
    this.#restMs = (this.#clock.cpuMs() - startMs) / LOOKS_CPU_SHARE;
    this.#tellUnreadable(unreadable);
    return blocks;
  }

  #tellUnreadable(failures: ReadonlyMap<number, string>): void {
    const ranges = formatBlockRanges([...failures.keys()]);
    const [error] = failures.values();
    if (ranges !== this.#unreadable && error !== undefined) {
      const consequence = 'they are shown as they were last seen, or not at all';
      this.#options.logger.error('memory blocks cannot be read', { blocks: ranges, error, consequence });
    }
    this.#unreadable = ranges;
  }

  #tryLook(): void {
    try {
      this.blocks();
      this.#failure = '';
    } catch (error) {
      const failure = String(error);
      if (failure !== this.#failure) this.#options.logger.error('memory blocks cannot be read', { error: failure });
      this.#failure = failure;
    }
  }
}
