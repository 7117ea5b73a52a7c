/** Name and version of this package, from the package.json that it was installed with. */
import { readFileSync } from 'node:fs';

/** In the source tree package.json lies two folders up; built into dist/ it lies three. */
const CANDIDATES = ['../../package.json', '../../../package.json'];

function read(): { name: string; version: string } {
  for (const candidate of CANDIDATES) {
    try {
      return JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8')) as { name: string; version: string };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { name: 'memory-hotplug-operator', version: 'unknown' };
}

export const PACKAGE = read();
