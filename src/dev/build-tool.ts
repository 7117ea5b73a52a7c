/** Builds a server from the Go module pinned under tools/. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Tool } from './tool-catalog.ts';

/** The pinned modules say `go 1.26`. */
const OLDEST_GO = { major: 1, minor: 26 } as const;
/** All servers together leave 2.6 GB of modules and 4.2 GB of build cache; the largest, kube-apiserver, most of both. */
const FREE_DISK_BYTES = 6 * 2 ** 30;
const PROGRESS_INTERVAL_MS = 15_000;

export interface ToolBuild {
  readonly tool: Tool;
  /** Root of this repository. */
  readonly repository: string;
  readonly destination: string;
  readonly log: (line: string) => void;
  /** Ends the build. */
  readonly signal?: AbortSignal | undefined;
}

/** Builds `tool` to `destination`, which appears complete or not at all. Throws with what to do next. */
export async function buildTool({ tool, repository, destination, log, signal }: ToolBuild): Promise<void> {
  const directory = path.dirname(destination);
  await mkdir(directory, { recursive: true });
  await checkGo();
  await checkDisk(directory);

  const temporary = `${destination}.building-${String(process.pid)}`;
  const what = `${tool.name} ${tool.version}`;
  log(`building ${what} with Go; this takes minutes once, the result is kept in ${directory}`);
  const startTime = Date.now();
  const progress = setInterval(() => {
    log(`building ${what} … ${elapsedSeconds(startTime)} s`);
  }, PROGRESS_INTERVAL_MS);
  try {
    await goBuild(tool, path.join(repository, tool.moduleDirectory), temporary, signal);
    await rename(temporary, destination);
    log(`built ${what} in ${elapsedSeconds(startTime)} s`);
  } finally {
    clearInterval(progress);
    await rm(temporary, { force: true });
  }
}

async function goBuild(
  tool: Tool,
  moduleDirectory: string,
  output: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = ['build', '-mod=readonly', '-trimpath', '-ldflags', tool.ldflags, '-o', output, tool.goPackage];
  const environment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '' };
  const child = spawn('go', args, {
    cwd: moduleDirectory,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(signal ? { signal } : {}),
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) {
    throw new Error(
      `go ${args.join(' ')} failed in ${moduleDirectory}, see above. If modules could not be downloaded, check ` +
        `GOPROXY; or set ${tool.envVariable} to an executable that you have.`,
    );
  }
}

async function checkGo(): Promise<void> {
  const wanted = `${String(OLDEST_GO.major)}.${String(OLDEST_GO.minor)}`;
  const { stdout } = await promisify(execFile)('go', ['version']).catch(() => ({ stdout: '' }));
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (major < OLDEST_GO.major || (major === OLDEST_GO.major && minor < OLDEST_GO.minor)) {
    throw new Error(`Go ${wanted} or newer is needed to build it (${stdout.trim() || 'none found'}); install Go first`);
  }
}

async function checkDisk(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  if (freeBytes < FREE_DISK_BYTES) {
    const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
    throw new Error(
      `a build needs ${gibibytes(FREE_DISK_BYTES)} GiB of disk, ${gibibytes(freeBytes)} GiB are free; make room first`,
    );
  }
}

function elapsedSeconds(startTime: number): string {
  return String(Math.round((Date.now() - startTime) / 1000));
}
