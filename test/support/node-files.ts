/** The files that an agent keeps of its simulated nodes, wherever it runs. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** `file` is relative to the folder of `node`. */
export interface NodeFiles {
  /** Undefined when there is no such file. */
  read(node: string, file: string): Promise<string | undefined>;
  write(node: string, file: string, text: string): Promise<void>;
}

export function localNodeFiles(directory: string): NodeFiles {
  const pathOf = (node: string, file: string): string => path.join(directory, node, file);
  return {
    read: async (node, file) => (existsSync(pathOf(node, file)) ? readFile(pathOf(node, file), 'utf8') : undefined),
    write: (node, file, text) => writeFile(pathOf(node, file), text),
  };
}
