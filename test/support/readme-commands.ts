/** The commands of a page for people, as they stand there, to be run by a test. */
import { readFileSync } from 'node:fs';

/** Each block of commands (```sh) by the heading that it stands below; `''` for one above the first heading of level 2. */
export function readmeCommands(file: string): ReadonlyMap<string, string> {
  const commands = new Map<string, string>();
  for (const section of readFileSync(file, 'utf8').split(/^## /m)) {
    const [heading = ''] = section.split('\n');
    const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    if (blocks.length > 0) commands.set(section.startsWith('# ') ? '' : heading, blocks.join(''));
  }
  return commands;
}
