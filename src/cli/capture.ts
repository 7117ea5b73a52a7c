/** `memhp capture`: this machine's memory blocks, as a file that `memhp import` makes a simulated node of. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { captureLayout } from '../drivers/capture/capture-layout.ts';
import { formatLayout } from '../drivers/capture/memory-layout.ts';
import { MEMORY_SYSFS, ZONEINFO } from '../drivers/capture/sysfs-snapshot.ts';

export function captureCommand(): Command {
  return new Command('capture')
    .description("write this machine's memory layout as YAML; reads only, needs no rights and names no host")
    .option('--sysfs <dir>', 'directory with the memoryN directories', MEMORY_SYSFS)
    .option('--zoneinfo <file>', "the kernel's list of zones", ZONEINFO)
    .option('-o, --output <file>', 'write to this file instead of standard output')
    .action((options: { sysfs: string; zoneinfo: string; output?: string }) => {
      const layout = formatLayout(captureLayout({ sysfsRoot: options.sysfs, zoneinfoFile: options.zoneinfo }));
      if (options.output === undefined) process.stdout.write(layout);
      else writeFileSync(options.output, layout);
    });
}
