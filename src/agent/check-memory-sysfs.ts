/** A look at what a real node's agent is given, before anything is served. */
import { readdirSync } from 'node:fs';

/** Throws an Error that says what is missing where `root` is no directory with memory blocks. */
export function checkMemorySysfs(root: string): void {
  const advice = 'name the directory of the memory blocks with --sysfs-root, or run no agent on this host';
  let entries: readonly string[];
  try {
    entries = readdirSync(root);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'does not exist: its kernel has no memory hotplug, or it is not mounted here'
        : `cannot be read (${String(code)})`;
    throw new Error(`${root} ${why}; ${advice}`, { cause: error });
  }
  if (!entries.includes('block_size_bytes')) throw new Error(`${root} has no block_size_bytes; ${advice}`);
  if (!entries.some((name) => /^memory\d+$/.test(name)))
    throw new Error(`${root} has no memory block in it; ${advice}`);
}
