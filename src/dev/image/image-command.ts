/** `npm run image`: builds the operator's image, or assembles one like it where no base image can be had. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Command, Option } from 'commander';
import { buildDistribution } from '../build-distribution.ts';
import { assembleImage } from './assemble-image.ts';
import {
  buildWith,
  ENGINES,
  inspectWith,
  nameFor,
  reasonNotToBuild,
  saveWith,
  type Engine,
} from './container-engine.ts';
import { measureStart } from './measure-start.ts';
import { operatorImage } from './operator-image.ts';

interface ImageCommandOptions {
  readonly tag?: string;
  readonly output?: string;
  readonly engine: Engine | 'assemble' | 'auto';
}

interface ImageReport {
  readonly tag: string;
  /** Of the manifest; from an engine, of the image's configuration. */
  readonly digest: string;
  readonly uncompressedBytes: number;
  /** Unknown where the engine keeps it unpacked. */
  readonly compressedBytes?: number;
  readonly archive?: string;
}

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');

const command = new Command('npm run image --')
  .description(
    "Builds the operator's image with docker, podman or buildah (deploy/Dockerfile). Where none of them works, or the base " +
      "image cannot be had, assembles one from this machine's Node: for tests, not for production.",
  )
  .option('--tag <name:tag>', 'name of the image (default: memory-hotplug-operator:<version of package.json>)')
  .option(
    '--output <file.tar>',
    'also write it to this file, for docker load, ctr images import and kind load image-archive (default when assembled: out/image.tar)',
  )
  .addOption(new Option('--engine <name>', 'what builds it').choices(['auto', ...ENGINES, 'assemble']).default('auto'));

try {
  await main(command.parse().opts<ImageCommandOptions>());
} catch (error) {
  process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(options: ImageCommandOptions): Promise<void> {
  const engine = await chooseEngine(options.engine);
  const tag = options.tag ?? `memory-hotplug-operator:${packageVersion()}`;
  const revision = await sourceRevision();
  const report =
    engine === 'assemble'
      ? await assemble(tag, path.resolve(options.output ?? path.join(REPOSITORY, 'out', 'image.tar')), revision)
      : await build(engine, tag, options.output && path.resolve(options.output), revision);
  await show(report);
}

/** An engine that was asked for must work; otherwise the first that does, else none. */
async function chooseEngine(wanted: ImageCommandOptions['engine']): Promise<Engine | 'assemble'> {
  if (wanted === 'assemble') return wanted;
  for (const engine of wanted === 'auto' ? ENGINES : [wanted]) {
    const reason = await reasonNotToBuild(engine);
    if (reason === undefined) return engine;
    if (wanted !== 'auto') throw new Error(`${reason}; correct that, or use --engine assemble`);
    progress(reason);
  }
  return 'assemble';
}

async function build(engine: Engine, tag: string, output: string | undefined, revision?: string): Promise<ImageReport> {
  progress(`building with ${engine}`);
  const version = packageVersion();
  const name = nameFor(engine, tag);
  await buildWith(engine, {
    tag: name,
    repository: REPOSITORY,
    version,
    ...(revision === undefined ? {} : { revision }),
  });
  if (output !== undefined) await saveWith(engine, name, output);
  const { id: digest, uncompressedBytes } = await inspectWith(engine, name);
  return { tag: name, digest, uncompressedBytes, ...(output === undefined ? {} : { archive: output }) };
}

async function assemble(tag: string, output: string, revision?: string): Promise<ImageReport> {
  progress("assembling from this machine's Node and shared libraries: for tests, not for production; no shell inside");
  const dist = await mkdtemp(path.join(tmpdir(), 'memhp-dist-'));
  try {
    progress('compiling the sources and bundling the workflows');
    await buildDistribution(dist, { areTypesChecked: false });
    const image = await operatorImage(REPOSITORY, dist, revision);
    return { ...(await assembleImage({ ...image, tag, output, log: progress })), archive: output };
  } finally {
    await rm(dist, { recursive: true, force: true });
  }
}

async function show({ tag, digest, archive, compressedBytes, uncompressedBytes }: ImageReport): Promise<void> {
  const compressed = compressedBytes === undefined ? '' : `${megabytes(compressedBytes)} compressed, `;
  console.log(`tag       ${tag}`);
  console.log(`digest    ${digest}`);
  console.log(`size      ${compressed}${megabytes(uncompressedBytes)} unpacked`);
  if (archive !== undefined) console.log(`file      ${archive}`);
  const start = archive === undefined ? 'no file of the image; use --output' : await measureStart(archive);
  console.log(
    typeof start === 'string'
      ? `start-up  not measured: ${start}`
      : `start-up  ${String(start.versionMs)} ms to memhp --version, ${String(start.operatorMs)} ms until memhp operator is loaded`,
  );
}

/** The commit, with `-dirty` when files differ from it; undefined outside of a git repository. */
async function sourceRevision(): Promise<string | undefined> {
  const args = ['describe', '--always', '--abbrev=40', '--exclude=*', '--dirty'];
  const { stdout } = await promisify(execFile)('git', args, { cwd: REPOSITORY }).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }).version;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** On standard error, so that standard output is the result alone. */
function progress(line: string): void {
  process.stderr.write(`image: ${line}\n`);
}
