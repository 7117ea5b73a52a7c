/**
 * Programs out of Debian packages, without installing them on the machine: apt downloads (and checks) the packages and
 * whatever they need that the machine lacks, dpkg unpacks them into the per-user cache. Debian, Ubuntu and their like.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ToolSources } from './tool-sources.ts';

/** For the lists and for the packages: 40 MB at 100 kB/s, and a slow mirror's answers. */
const APT_TIMEOUT_MS = 600_000;
const MAX_OUTPUT_BYTES = 16 * 2 ** 20;
const PROGRESS_INTERVAL_MS = 15_000;
const DOWNLOAD = ['install', '--download-only', '--reinstall', '--no-install-recommends'];

export interface DebianPackages {
  /** Of packages, as apt knows them. */
  readonly names: readonly string[];
  readonly sources: Pick<ToolSources, 'cacheDirectory' | 'exclusively' | 'findOnPath' | 'log'>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Answers the folder that holds the packages' files as the root directory of a machine would (`usr/bin`, …). Afterwards
 * it is there for good: another release of the distribution, or other names, have a folder of their own. Throws, with
 * what to do next, where there is no apt or the packages cannot be had.
 */
export async function unpackDebianPackages(request: DebianPackages): Promise<string> {
  const { names, sources } = request;
  for (const program of ['apt-get', 'dpkg-deb']) {
    if (await sources.findOnPath(program)) continue;
    throw new Error(
      `${names.join(', ')} must be installed on this machine first: there is no ${program} to fetch them`,
    );
  }
  const root = path.join(sources.cacheDirectory, '..', 'debian', await folderName(names));
  if (await exists(root)) return root;
  return sources.exclusively('debian-packages', async () => {
    if (!(await exists(root))) await fetchInto(root, request);
    return root;
  });
}

/** Libraries of one release do not work with another's. */
async function folderName(names: readonly string[]): Promise<string> {
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1];
  const digest = createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 8);
  return `${release ?? 'unknown'}-${process.arch}-${digest}`;
}

async function fetchInto(root: string, request: DebianPackages): Promise<void> {
  const { names, sources } = request;
  await mkdir(path.dirname(root), { recursive: true });
  const directory = await mkdtemp(`${root}.unpacking-`);
  const startTime = Date.now();
  const seconds = (): string => String(Math.round((Date.now() - startTime) / 1000));
  sources.log(`downloading Debian packages: ${names.join(', ')}`);
  const progress = setInterval(() => {
    sources.log(`downloading Debian packages … ${seconds()} s`);
  }, PROGRESS_INTERVAL_MS);
  try {
    const archives = await download(directory, request);
    const unpacked = path.join(directory, 'root');
    for (const archive of archives) await run('dpkg-deb', ['-x', archive, unpacked], request.signal);
    await rename(unpacked, root);
    sources.log(`unpacked ${String(archives.length)} Debian packages into ${root} in ${seconds()} s`);
  } finally {
    clearInterval(progress);
    await rm(directory, { recursive: true, force: true });
  }
}

/** With the machine's own package lists; where those are missing or out of date, with lists of our own. */
async function download(directory: string, { names, sources, signal }: DebianPackages): Promise<string[]> {
  const archives = path.join(directory, 'archives');
  const lists = path.join(directory, 'lists');
  for (const folder of [archives, lists]) await mkdir(path.join(folder, 'partial'), { recursive: true });
  const install = (options: readonly string[]): Promise<void> =>
    run('apt-get', [...aptOptions(archives), ...options, ...DOWNLOAD, ...names], signal);
  const ownLists = [
    '-o',
    `Dir::State::lists=${lists}`,
    '-o',
    'Dir::Cache::pkgcache=',
    '-o',
    'Dir::Cache::srcpkgcache=',
  ];
  await install([]).catch(async () => {
    sources.log('not to be had by the package lists of this machine; fetching newer lists beside them');
    await run('apt-get', [...aptOptions(archives), ...ownLists, 'update'], signal);
    await install(ownLists);
  });
  const files = await readdir(archives);
  return files.filter((file) => file.endsWith('.deb')).map((file) => path.join(archives, file));
}

/** `install --download-only` leaves the machine as it is; so it needs no lock, and no user `_apt` who can write here. */
function aptOptions(archives: string): string[] {
  const settings = [`Dir::Cache::archives=${archives}`, 'Debug::NoLocking=true', 'APT::Sandbox::User=root'];
  return ['--yes', '--quiet', ...settings.flatMap((one) => ['-o', one])];
}

async function run(command: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const limits = { timeout: APT_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, ...(signal ? { signal } : {}) };
  await promisify(execFile)(command, [...args], limits).catch((error: unknown) => {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(`${command} failed: ${said}. Check that the package mirror can be reached (apt-get update).`, {
      cause: error,
    });
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
