/** `npm run build`: makes dist/. */
import path from 'node:path';
import { buildDistribution } from './build-distribution.ts';

try {
  await buildDistribution(path.resolve(import.meta.dirname, '../../dist'));
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
