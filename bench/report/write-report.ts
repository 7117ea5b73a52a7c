import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const DIRECTORY = path.resolve(import.meta.dirname, '../../out/bench');

/** Where a benchmark's result is left when nobody says otherwise. */
export function reportFile(name: string): string {
  return path.join(DIRECTORY, `${name}.json`);
}

export async function writeReport(file: string, report: object): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
