/** Keeps what can be done to memory here up to date: mounts, labels and profiles change while the agent runs. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'winston';
import type { DriverCapabilities } from '../../contract/resources.ts';
import { findCapabilities, type FoundCapabilities } from './capabilities.ts';
import type { SysfsMemory } from './sysfs-memory.ts';

export interface CapabilityWatchOptions {
  readonly memory: SysfsMemory;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly onChange: () => void;
}

export class CapabilityWatch {
  readonly #options: CapabilityWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #found: FoundCapabilities;

  /** Throws where that cannot be found out. */
  constructor(options: CapabilityWatchOptions) {
    this.#options = options;
    this.#found = findCapabilities(options.memory);
    this.#tellRefusals();
  }

  /** From now on it looks by itself, until it is closed. */
  start(): void {
    this.#timer = setInterval(() => {
      this.lookAgain();
    }, this.#options.intervalMs).unref();
  }

  get found(): DriverCapabilities {
    return this.#found.capabilities;
  }

  /** Two open(2), as a rule. What cannot be found out stays as it was. */
  lookAgain(): void {
    const before = this.#found;
    try {
      this.#found = findCapabilities(this.#options.memory);
    } catch (error) {
      this.#options.logger.warn('whether memory can be changed here is not known any more', { error: String(error) });
    }
    if (!isDeepStrictEqual(this.#found.refusals, before.refusals)) this.#tellRefusals();
    if (!isDeepStrictEqual(this.#found.capabilities, before.capabilities)) this.#options.onChange();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tellRefusals(): void {
    const { capabilities, refusals } = this.#found;
    if (Object.keys(refusals).length === 0)
      this.#options.logger.info('what can be done to memory here', { capabilities });
    else
      this.#options.logger.warn('memory cannot be changed here: files cannot be opened for writing', {
        refusals,
        advice: 'run the agent as root, with a writable mount of the directory, see docs/sysfs.md',
      });
  }
}
