/** What an operator that is started with a plugin relies on. */
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { failed, PASSED, type Check } from './check.ts';

/** No setting of any plugin; neither is its value. */
const JUNK_CONFIG = { 'no-such-setting-of-plugin-test': { misspelt: [true] } };
/** A module that leaves nothing running ends its thread as soon as it is imported. */
const LOAD_LIMIT_MS = 3_000;

export function inProcessChecks(
  moduleUrl: string,
  validate: (config: unknown) => string | undefined,
  loadLimitMs = LOAD_LIMIT_MS,
): readonly Check[] {
  return [configJunkCheck(validate), quietLoadCheck(moduleUrl, loadLimitMs)];
}

function configJunkCheck(validate: (config: unknown) => string | undefined): Check {
  return {
    name: 'config-junk',
    rule: 'configSchema refuses a setting that does not exist: otherwise a misspelt one is silently ignored',
    section: 'plugins.md#an-in-process-plugin',
    play: () => {
      const isRefused = validate(JUNK_CONFIG) !== undefined;
      const seen = `${JSON.stringify(JUNK_CONFIG)} was accepted; add additionalProperties: false to configSchema`;
      return Promise.resolve(isRefused ? PASSED : failed(seen));
    },
  };
}

function quietLoadCheck(moduleUrl: string, limitMs: number): Check {
  return {
    name: 'quiet-load',
    rule: 'importing the module starts nothing: an operator imports it only to learn its name and schema',
    section: 'plugins.md#how-an-in-process-plugin-is-run',
    async play() {
      const hasEnded = await endsByItself(moduleUrl, limitMs);
      return hasEnded
        ? PASSED
        : failed(`something still runs ${String(limitMs / 1000)} s after the import: a timer, a server, a connection`);
    },
  };
}

/** Whether a thread that only imports the module ends. What it prints is swallowed. */
async function endsByItself(moduleUrl: string, limitMs: number): Promise<boolean> {
  const code = `import(${JSON.stringify(moduleUrl)})`;
  const thread = new Worker(code, { eval: true, stdout: true, stderr: true, execArgv: [] });
  // A module that cannot be imported was not taken in the first place.
  thread.on('error', () => undefined);
  const ended = new Promise<true>((resolve) => thread.once('exit', () => resolve(true)));
  const limit = new AbortController();
  const late = wait(limitMs, false, { signal: limit.signal }).catch(() => false);
  const hasEnded = await Promise.race([ended, late]);
  limit.abort();
  await thread.terminate();
  return hasEnded;
}
