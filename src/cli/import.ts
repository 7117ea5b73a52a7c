/** `memhp import`: the manifest of a simulated node that boots like a captured machine. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { layoutToNodeMemory } from '../drivers/capture/layout-to-node-memory.ts';
import { parseLayout } from '../drivers/capture/memory-layout.ts';

/** Standard input, as a file name. */
const STDIN = '-';

export function importCommand(): Command {
  return new Command('import')
    .description('print the NodeMemory manifest of a captured layout; pipe it into: kubectl apply -f -')
    .argument('<file>', 'a layout made by memhp capture; - reads standard input')
    .requiredOption('--node <name>', 'name of the simulated node')
    .action(async (file: string, { node }: { node: string }) => {
      const layout = parseLayout(await (file === STDIN ? text(process.stdin) : readFile(file, 'utf8')));
      process.stdout.write(stringify(layoutToNodeMemory(layout, node)));
    });
}
