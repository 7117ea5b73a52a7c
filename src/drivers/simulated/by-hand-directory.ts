/**
 * The directory through which someone acts on a simulated node "by hand": `echo offline > by-hand/memory32` is the
 * simulated `echo offline > /sys/devices/system/memory/memory32/state`; `touch by-hand/reboot` reboots the node.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';

export type ByHandRequest =
  { readonly kind: 'write'; readonly blockId: number; readonly word: string } | { readonly kind: 'reboot' };

const BLOCK_FILE = /^memory(0|[1-9]\d*)$/;

export interface ByHandListener {
  handle(request: ByHandRequest): void;
  failed(error: unknown): void;
}

/** Creates `directory` and hands every request in it, now and later, to `listener`. Returns how to stop. */
export function watchByHand(directory: string, listener: ByHandListener): () => void {
  mkdirSync(directory, { recursive: true });
  const scan = (): void => {
    try {
      for (const name of readdirSync(directory)) {
        const request = takeRequest(join(directory, name), name);
        if (request) listener.handle(request);
      }
    } catch (error) {
      listener.failed(error);
    }
  };
  const watcher = watch(directory, scan);
  watcher.on('error', (error) => {
    listener.failed(error);
  });
  scan();
  return () => {
    watcher.close();
  };
}

/** The file goes before the request is handled: like a write(2), it happens once, or the writer must try again. */
function takeRequest(path: string, name: string): ByHandRequest | undefined {
  const block = BLOCK_FILE.exec(name);
  if (!block && name !== 'reboot') return undefined;
  const word = readIfThere(path)?.trim();
  // Empty: the shell has made the file and not written the word yet; the write is another event.
  if (word === undefined || (block && word === '')) return undefined;
  rmSync(path, { force: true });
  return block ? { kind: 'write', blockId: Number(block[1]), word } : { kind: 'reboot' };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
