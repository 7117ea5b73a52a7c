/** docker, podman and buildah, as far as an image needs them. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { qualifiedName } from './image-documents.ts';

export const ENGINES = ['docker', 'podman', 'buildah'] as const;
export type Engine = (typeof ENGINES)[number];

export interface EngineBuild {
  readonly tag: string;
  /** Root of this repository. */
  readonly repository: string;
  readonly version: string;
  readonly revision?: string;
}

/** What deploy/Dockerfile starts from; a test compares them. */
export const BASE_IMAGE = 'docker.io/library/node:24-bookworm-slim';

/** An engine that does not answer in this time does not work; `docker info` waits for a daemon for long. */
const PROBE_TIMEOUT_MS = 20_000;
const PULL_TIMEOUT_MS = 300_000;

/** Why `engine` cannot build the image here; undefined when it can. Fetches the base image. */
export async function reasonNotToBuild(engine: Engine): Promise<string | undefined> {
  const failure = await failureOf(engine, ['info'], PROBE_TIMEOUT_MS);
  if (failure) return `${engine} does not work (${failure})`;
  const isThere = engine === 'buildah' ? ['inspect', '--type', 'image', BASE_IMAGE] : ['image', 'inspect', BASE_IMAGE];
  if (!(await failureOf(engine, isThere, PROBE_TIMEOUT_MS))) return undefined;
  const notPulled = await failureOf(engine, ['pull', BASE_IMAGE], PULL_TIMEOUT_MS);
  return notPulled && `${engine} cannot get ${BASE_IMAGE} (${notPulled})`;
}

/** Rejects when the build fails; what the engine says goes to standard error. */
export async function buildWith(
  engine: Engine,
  { tag, repository, version, revision = '' }: EngineBuild,
): Promise<void> {
  const facts = ['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`];
  const args = ['build', '--file', 'deploy/Dockerfile', '--tag', tag, ...facts, '.'];
  const child = spawn(engine, args, { cwd: repository, stdio: ['ignore', process.stderr, process.stderr] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${engine} ${args.join(' ')} failed, see above`);
}

/** Writes the image to a file that `docker load`, `ctr images import` and `kind load image-archive` take. */
export async function saveWith(engine: Engine, tag: string, output: string): Promise<void> {
  await mkdir(path.dirname(output), { recursive: true });
  await rm(output, { force: true }); // podman and buildah would not write over it
  const args = {
    docker: ['save', '--output', output, tag],
    podman: ['save', '--format', 'docker-archive', '--output', output, tag],
    buildah: ['push', tag, `docker-archive:${output}:${tag}`],
  }[engine];
  const failure = await failureOf(engine, args, PULL_TIMEOUT_MS);
  if (failure) throw new Error(`${engine} ${args.join(' ')} failed: ${failure}`);
}

/** What an engine calls the image: podman and buildah put their own host in front of a short name, and no cluster finds it. */
export function nameFor(engine: Engine, tag: string): string {
  return engine === 'docker' ? tag : qualifiedName(tag);
}

export interface BuiltImage {
  /** Digest of the image's configuration: the digest of a manifest comes into being with a push. */
  readonly id: string;
  readonly uncompressedBytes: number;
}

export async function inspectWith(engine: Engine, tag: string): Promise<BuiltImage> {
  const args =
    engine === 'buildah'
      ? ['images', '--no-trunc', '--json', tag] // [{ id, size: "212 MB" }]
      : ['image', 'inspect', '--format', '[{"id":"{{.Id}}","size":"{{.Size}} B"}]', tag];
  const { stdout } = await promisify(execFile)(engine, args);
  const [image] = JSON.parse(stdout) as [{ readonly id: string; readonly size: string }];
  return { id: image.id, uncompressedBytes: bytesOf(image.size) };
}

function bytesOf(size: string): number {
  const [number = '0', unit = 'B'] = size.split(' ');
  return Math.round(Number(number) * 1000 ** ['B', 'KB', 'MB', 'GB'].indexOf(unit.toUpperCase()));
}

/** The last line that the command says when it fails. */
async function failureOf(engine: Engine, args: readonly string[], timeoutMs: number): Promise<string | undefined> {
  try {
    await promisify(execFile)(engine, [...args], { timeout: timeoutMs });
    return undefined;
  } catch (error) {
    const { code, killed, stderr = '' } = error as { code?: string; killed?: boolean; stderr?: string };
    if (code === 'ENOENT') return 'not installed';
    if (killed) return `no answer in ${String(timeoutMs / 1000)} s`;
    return stderr.trim().split('\n').at(-1) ?? 'no reason given';
  }
}
