/** This machine's PATH, cache, network and Go, as `acquireTool` asks for them. */
import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';
import { buildTool } from './build-tool.ts';
import { downloadRelease } from './download-release.ts';
import { hostPlatform } from './pinned-releases.ts';
import type { Tool } from './tool-catalog.ts';
import type { ToolSources } from './tool-sources.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');

/** A holder refreshes its lock every half of this; one that was killed is taken over after it. */
const LOCK_STALE_MS = 30_000;
const LOCK_RETRY_MS = 500;
const VERSION_TIMEOUT_MS = 10_000;

/** `signal` ends what takes long: downloads and builds. */
export function localToolSources(log: (line: string) => void = console.log, signal?: AbortSignal): ToolSources {
  const cacheDirectory = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'memhp', 'bin');
  /** Archives that could not be had: asking again for the next executable in the same archive would only cost time. */
  const unavailable = new Map<string, unknown>();
  return {
    env: process.env,
    cacheDirectory,
    log,
    isExecutable,
    findOnPath,
    versionOf,
    download: async (release, destination) => {
      if (unavailable.has(release.name)) throw unavailable.get(release.name);
      const platform = hostPlatform();
      log(`downloading ${release.name} ${release.version} for ${platform}`);
      await downloadRelease({ release, platform, destination, workDirectory: cacheDirectory, signal }).catch(
        (error: unknown) => {
          unavailable.set(release.name, error);
          throw error;
        },
      );
    },
    build: (tool, destination) => buildTool({ tool, repository: REPOSITORY, destination, log, signal }),
    exclusively: (name, work) => exclusively(path.join(cacheDirectory, name), log, work),
  };
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(directory, name);
    if (directory && (await isExecutable(file))) return file;
  }
  return undefined;
}

async function versionOf(tool: Tool, file: string): Promise<string | undefined> {
  const options = { timeout: VERSION_TIMEOUT_MS };
  const { stdout } = await promisify(execFile)(file, [...tool.versionArguments], options).catch(() => ({ stdout: '' }));
  return tool.versionPattern.exec(stdout)?.[1];
}

async function exclusively<T>(file: string, log: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const options = {
    realpath: false,
    stale: LOCK_STALE_MS,
    // Two builders after a machine slept are harmless: each writes a file of its own and renames it.
    onCompromised: () => undefined,
  };
  const release = await lock(file, options).catch(() => {
    log(`waiting for another process that fetches or builds servers (${file}.lock)`);
    return lock(file, { ...options, retries: { forever: true, minTimeout: LOCK_RETRY_MS, maxTimeout: LOCK_RETRY_MS } });
  });
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}
