/** What can be done to memory here, found out by looking. */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DriverCapabilities } from '../../contract/resources.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import { errnoOf } from './system-error.ts';

/** Open(2) of a file that is not there, or whose device is on its way out. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']);

export interface FoundCapabilities {
  readonly capabilities: DriverCapabilities;
  /** What was refused, by file. */
  readonly refusals: Readonly<Record<string, string>>;
}

/** Written with a physical address, adds the block there; only kernels with CONFIG_ARCH_MEMORY_PROBE have it. */
export function probeFile({ root }: SysfsMemory): string {
  return join(root, 'probe');
}

/** Whether `errno`, as open(2) for writing gives it, says that the agent may not write. */
export function isRefusal(errno: string): boolean {
  return errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
}

/**
 * Opens for writing what the driver would write, and writes nothing. That tells more than access(2): mandatory access
 * control answers only to open. Removal is never there: no file of sysfs does it. Throws where the answers say nothing
 * about rights.
 */
export function findCapabilities(memory: SysfsMemory): FoundCapabilities {
  const refusals: Record<string, string> = {};
  const canWrite = tryWriting(stateFiles(memory), refusals);
  const canAdd = tryWriting([probeFile(memory)], refusals);
  return { capabilities: { add: canAdd, remove: false, online: canWrite, offline: canWrite }, refusals };
}

/** Blocks come and go, so there are several to try; where there is none, a file of the same owner on the same mount. */
function* stateFiles(memory: SysfsMemory): Iterable<string> {
  for (const blockId of [...memory.blockIds()].sort((one, other) => one - other))
    yield memory.blockFile(blockId, 'state');
  yield join(memory.root, 'auto_online_blocks');
}

/** Whether the first of `files` that answers can be opened for writing; notes its refusal. */
function tryWriting(files: Iterable<string>, refusals: Record<string, string>): boolean {
  let failure: string | undefined;
  for (const file of files) {
    const errno = openForWriting(file);
    if (errno === undefined) return true;
    if (isRefusal(errno)) {
      refusals[file] = errno;
      return false;
    }
    if (!GONE.has(errno)) failure ??= `${file} cannot be opened: ${errno}`;
  }
  if (failure === undefined) return false;
  throw new Error(failure);
}

/** The errno of opening `file` for writing; undefined when it can be. */
function openForWriting(file: string): string | undefined {
  try {
    closeSync(openSync(file, constants.O_WRONLY));
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}
