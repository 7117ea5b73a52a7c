/**
 * Where a server comes from. In this order: the environment variable that names it, PATH, the per-user cache, the
 * official release (digest pinned in this repository), a build with Go from the modules pinned under tools/.
 */
import path from 'node:path';
import { localToolSources } from './local-tool-sources.ts';
import { releaseOf } from './pinned-releases.ts';
import { TOOLS, type Tool, type ToolName } from './tool-catalog.ts';
import type { ToolSources } from './tool-sources.ts';

/** Executables by name, as `acquireTools` answers them. */
export type ToolPaths<Name extends ToolName = ToolName> = Readonly<Record<Name, string>>;

/** Acquires several; one after the other, since a build uses every core anyway. */
export async function acquireTools<Name extends ToolName>(
  names: readonly Name[],
  sources: ToolSources = localToolSources(),
): Promise<ToolPaths<Name>> {
  const paths: Partial<Record<Name, string>> = {};
  for (const name of names) paths[name] = await acquireTool(name, sources);
  return paths as ToolPaths<Name>;
}

/** Path of an executable that runs. Throws, with what was tried and what to do next, when there is none to be had. */
export async function acquireTool(name: ToolName, sources: ToolSources = localToolSources()): Promise<string> {
  const tool = TOOLS[name];
  const installed = (await fromEnvironment(tool, sources)) ?? (await fromPath(tool, sources));
  if (installed) return installed;
  return (
    (await fromCache(tool, sources)) ??
    // Whoever waited here finds in the cache what the other process has made.
    sources.exclusively('acquire', async () => (await fromCache(tool, sources)) ?? (await install(tool, sources)))
  );
}

async function fromEnvironment(tool: Tool, sources: ToolSources): Promise<string | undefined> {
  const file = sources.env[tool.envVariable];
  if (!file) return undefined;
  if (await sources.isExecutable(file)) return file;
  throw new Error(`${tool.envVariable} is set to ${file}, which cannot be executed; correct it or unset it`);
}

async function fromPath(tool: Tool, sources: ToolSources): Promise<string | undefined> {
  const file = await sources.findOnPath(tool.name);
  if (!file) return undefined;
  const version = await sources.versionOf(tool, file);
  if (version && isAtLeast(version, tool.minimumVersion)) return file;
  sources.log(`${file} is not used: version ${version ?? 'unknown'}, needed is ${tool.minimumVersion} or newer`);
  return undefined;
}

async function fromCache(tool: Tool, sources: ToolSources): Promise<string | undefined> {
  for (const version of [tool.version, releaseOf(tool.name)?.version]) {
    const file = version && cachePath(sources, tool.name, version);
    if (file && (await sources.isExecutable(file))) return file;
  }
  return undefined;
}

async function install(tool: Tool, sources: ToolSources): Promise<string> {
  const downloaded = await fromRelease(tool, sources);
  if (downloaded) return downloaded;
  const destination = cachePath(sources, tool.name, tool.version);
  try {
    await sources.build(tool, destination);
  } catch (error) {
    throw new Error(
      `${tool.name} is not to be had: ${messageOf(error)}. Or set ${tool.envVariable} to one that you have.`,
      {
        cause: error,
      },
    );
  }
  return destination;
}

async function fromRelease(tool: Tool, sources: ToolSources): Promise<string | undefined> {
  const release = releaseOf(tool.name);
  if (!release) return undefined;
  try {
    await sources.download(release, (member) => cachePath(sources, member, release.version));
    return cachePath(sources, tool.name, release.version);
  } catch (error) {
    // A build from checksummed modules is as good; that is why no failure of a download is final.
    sources.log(`${tool.name}: official release not used (${messageOf(error)})`);
    return undefined;
  }
}

function cachePath(sources: ToolSources, name: ToolName, version: string): string {
  return path.join(sources.cacheDirectory, name, version, name);
}

function isAtLeast(version: string, minimum: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minimumMajor = 0, minimumMinor = 0] = minimum.split('.').map(Number);
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
}

/** With the cause: "fetch failed" alone helps nobody. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
