/** Virtual environments for the examples in Python: made once per list of requirements, by the example's own commands. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { localToolSources } from '../../src/dev/local-tool-sources.ts';

export type PythonEnvironment =
  { readonly ready: true; readonly directory: string } | { readonly ready: false; readonly missing: string };

/** What tells a test process the answer: the directory, or what is missing. */
const DIRECTORY_VARIABLE = 'MEMHP_EXAMPLE_PYTHON';
const MISSING_VARIABLE = 'MEMHP_EXAMPLE_PYTHON_MISSING';

/** `python3 -m venv`, and packages from an index that may be far away. */
const INSTALL_TIMEOUT_MS = 120_000;
const QUOTE_LENGTH_MAX = 300;

/** Environment variables for processes whose tests are not to look for it again. */
export function tellPythonEnvironment(python: PythonEnvironment): Readonly<Record<string, string>> {
  return python.ready ? { [DIRECTORY_VARIABLE]: python.directory } : { [MISSING_VARIABLE]: python.missing };
}

/** What this process was told; undefined: nothing. */
export function toldPythonEnvironment(env = process.env): PythonEnvironment | undefined {
  const { [DIRECTORY_VARIABLE]: directory, [MISSING_VARIABLE]: missing } = env;
  if (directory) return { ready: true, directory };
  return missing ? { ready: false, missing } : undefined;
}

/**
 * `${XDG_CACHE_HOME:-~/.cache}/memhp/python/<hash>`, with what `install` has put there; or what is missing, in words.
 * `install` gets the directory, and answers what it printed or throws.
 */
export async function pythonEnvironment(
  requirementsFile: string,
  install: (directory: string) => Promise<unknown>,
): Promise<PythonEnvironment> {
  const run = promisify(execFile);
  const version = await run('python3', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version === undefined) return { ready: false, missing: 'python3 is not on PATH; install Python 3.10 or newer' };
  const hash = createHash('sha256')
    .update(`${version}\0`)
    .update(await readFile(requirementsFile));
  const { cacheDirectory, exclusively } = localToolSources(() => undefined);
  const directory = path.join(path.dirname(cacheDirectory), 'python', hash.digest('hex').slice(0, 16));
  const complete = path.join(directory, 'complete');
  return exclusively('python', async () => {
    if (existsSync(complete)) return { ready: true, directory };
    console.log(`making a virtual environment of ${version} (${directory})`);
    await rm(directory, { recursive: true, force: true });
    try {
      await Promise.race([install(directory), rejectAfter(INSTALL_TIMEOUT_MS)]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const end = why.trim().replaceAll(/\s+/g, ' ').slice(-QUOTE_LENGTH_MAX);
      return { ready: false, missing: `a virtual environment of ${version} could not be made: … ${end}` };
    }
    await writeFile(complete, version);
    return { ready: true, directory };
  });
}

function rejectAfter(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`not within ${String(ms / 1000)} s`)), ms).unref();
  });
}
