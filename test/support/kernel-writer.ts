/** Stands for the kernel behind a copied tree: what is written changes the attributes as it would there, or fails. */
import { basename, dirname } from 'node:path';
import type {
  AttributeWrite,
  AttributeWriter,
  PreparedWrite,
  StartedWrite,
  WriteEnd,
} from '../../src/drivers/sysfs/attribute-writer.ts';
import type { SysfsTree } from './sysfs-tree.ts';

export class KernelWriter implements AttributeWriter {
  /** Every write that has begun, in order: `memory40/state offline`. */
  readonly begun: string[] = [];
  /** Errno of every further write(2) to this file, such as memory40/state. */
  readonly errors = new Map<string, string>();
  /** Errno of every further open(2) of this file. */
  readonly refusals = new Map<string, string>();
  /** Writes to these files last until `release`, or until they are interrupted. */
  readonly slow = new Set<string>();
  /** An interruption is heard only after `release`: the kernel is where it cannot be interrupted. */
  isUninterruptible = false;
  readonly #tree: SysfsTree;
  readonly #held = new Set<() => void>();

  constructor(tree: SysfsTree) {
    this.#tree = tree;
  }

  prepare(write: AttributeWrite): Promise<PreparedWrite> {
    const ended = Promise.withResolvers<WriteEnd>();
    let isInterrupted = false;
    let release = (): void => undefined;
    const finish = (act: () => WriteEnd): void => {
      this.#held.delete(release);
      ended.resolve(act());
    };
    return Promise.resolve({
      ended: ended.promise,
      begin: () => {
        const name = nameOf(write.file);
        this.begun.push(`${name} ${write.text}`);
        if (!this.slow.has(name)) {
          finish(() => this.#write(name, write.text));
          return;
        }
        const undo = this.#beginSlow(name, write.text);
        release = () => {
          finish(() => (isInterrupted ? undo() : this.#write(name, write.text)));
        };
        this.#held.add(release);
      },
      interrupt: () => {
        isInterrupted = true;
        if (!this.isUninterruptible) release();
        if (!this.begun.length) ended.resolve({});
      },
    });
  }

  isBusy(): boolean {
    return false;
  }

  /** Every write of an earlier agent has gone with it, and nobody knows how it ended. */
  resume(): StartedWrite {
    return { ended: Promise.resolve({}), interrupt: () => undefined };
  }

  close(): void {
    // Nothing is watched.
  }

  /** Slow writes go on to their end. */
  release(): void {
    for (const release of [...this.#held]) release();
  }

  /** The block reads going-offline meanwhile. Returns how it ends when a signal comes. */
  #beginSlow(name: string, text: string): () => WriteEnd {
    const blockId = blockOf(name);
    if (blockId === undefined || text !== 'offline') return () => ({});
    this.#tree.write(blockId, 'going-offline');
    return () => {
      this.#tree.write(blockId, 'online');
      return {};
    };
  }

  #write(name: string, text: string): WriteEnd {
    const refusal = this.refusals.get(name);
    if (refusal !== undefined) return { errno: refusal, call: 'open' };
    const errno = this.errors.get(name);
    const blockId = blockOf(name);
    if (errno !== undefined) {
      if (blockId !== undefined && this.#tree.read(blockId) === 'going-offline') this.#tree.write(blockId, 'online');
      return { errno, call: 'write' };
    }
    return blockId === undefined ? this.#probe(Number(text)) : this.#writeState(blockId, text);
  }

  #writeState(blockId: number, text: string): WriteEnd {
    const isOffline = this.#tree.read(blockId) === 'offline';
    if (isOffline === (text === 'offline')) return { errno: 'EINVAL' };
    const zones = `memory${String(blockId)}/valid_zones`;
    if (text === 'offline') {
      this.#tree.writeFile(zones, 'Normal Movable');
      this.#tree.write(blockId, 'offline');
      return {};
    }
    const [byDefault = 'Normal'] = this.#tree.readFile(zones).split(' ');
    const chosen = { online_movable: 'Movable', online_kernel: 'Normal' }[text] ?? byDefault;
    this.#tree.writeFile(zones, chosen);
    this.#tree.write(blockId, 'online');
    return {};
  }

  #probe(address: number): WriteEnd {
    const blockId = address / Number.parseInt(this.#tree.readFile('block_size_bytes'), 16);
    if (!Number.isInteger(blockId)) return { errno: 'EINVAL' };
    try {
      this.#tree.plug({ range: String(blockId), state: 'offline' });
      return {};
    } catch {
      return { errno: 'EEXIST' };
    }
  }
}

function nameOf(file: string): string {
  const directory = basename(dirname(file));
  return directory === 'memory' ? basename(file) : `${directory}/${basename(file)}`;
}

function blockOf(name: string): number | undefined {
  const id = /^memory(\d+)\/state$/.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}
