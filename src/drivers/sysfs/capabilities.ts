/** What can be done to memory here, found out by looking. */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'winston';
import type { DriverCapabilities } from '../../contract/resources.ts';
import type { SysfsMemory } from './sysfs-memory.ts';

/** Written with a physical address, adds the block there; only kernels with CONFIG_ARCH_MEMORY_PROBE have it. */
export function probeFile({ root }: SysfsMemory): string {
  return join(root, 'probe');
}

/**
 * Opens for writing what the driver would write, and writes nothing. That tells more than access(2): mandatory access
 * control answers only to open. Removal is never there: no file of sysfs does it.
 */
export function findCapabilities(memory: SysfsMemory, logger: Logger): DriverCapabilities {
  const probeRefusal = whyNotWritable(probeFile(memory));
  if (probeRefusal !== undefined && probeRefusal !== 'ENOENT') {
    logger.warn('memory cannot be added: probe cannot be written', { errno: probeRefusal });
  }
  const [blockId] = [...memory.blockIds()].sort((one, other) => one - other);
  const file = blockId === undefined ? undefined : memory.blockFile(blockId, 'state');
  const stateRefusal = file === undefined ? undefined : whyNotWritable(file);
  if (stateRefusal !== undefined) {
    logger.warn('no block can be brought online or taken offline: its state cannot be written', {
      file,
      errno: stateRefusal,
      advice: 'run the agent as root, with a writable mount of the directory, see docs/sysfs.md',
    });
  }
  const canWrite = stateRefusal === undefined;
  return { add: probeRefusal === undefined, remove: false, online: canWrite, offline: canWrite };
}

/** The errno of opening `file` for writing; undefined when it can be. */
function whyNotWritable(file: string): string | undefined {
  try {
    closeSync(openSync(file, constants.O_WRONLY));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}
