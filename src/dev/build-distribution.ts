/** What is published: the sources compiled to JavaScript, and the workflows bundled. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { addWorkflowBundle } from '../temporal/workflow-bundle.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const COMPILER = path.join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');

export interface BuildOptions {
  /** False: whoever tests the sources has their types checked elsewhere; with types it takes three times as long. */
  readonly areTypesChecked?: boolean;
}

/** Makes the folder `dist`; what was in it is gone. Rejects with what the compiler says. */
export async function buildDistribution(dist: string, { areTypesChecked = true }: BuildOptions = {}): Promise<void> {
  await rm(dist, { recursive: true, force: true }); // a source that is gone leaves nothing behind
  const quick = ['--noCheck', '--declaration', 'false', '--sourceMap', 'false'];
  const args = [COMPILER, '-p', 'tsconfig.build.json', '--outDir', dist, ...(areTypesChecked ? [] : quick)];
  await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY }).catch((error: unknown) => {
    const { stdout = '' } = error as { stdout?: string };
    throw new Error(`the sources do not compile:\n${stdout}`, { cause: error });
  });
  await addWorkflowBundle(dist);
}
