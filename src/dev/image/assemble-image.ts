/** Makes an image without any container engine: a tar file for `docker load`, `ctr images import`, `kind load image-archive`. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { blobPath, imageDocuments, qualifiedName, type Architecture, type ImageSettings } from './image-documents.ts';
import type { ImageLayer } from './image-entry.ts';
import { cachedLayer, defaultLayerCache, type CachedLayer } from './layer-cache.ts';

export interface AssembleImageOptions extends ImageSettings {
  /** `name:tag`. */
  readonly tag: string;
  /** Lowest first; what changes most often belongs last. */
  readonly layers: readonly ImageLayer[];
  /** The tar file to write. */
  readonly output: string;
  /** This machine's when unset. */
  readonly architecture?: Architecture;
  readonly cacheDirectory?: string;
  /** Told of what takes long. */
  readonly log?: (line: string) => void;
}

export interface AssembledImage {
  readonly tag: string;
  /** The name under which containerd knows it. */
  readonly qualifiedName: string;
  /** Of the manifest: the same inputs give the same digest. */
  readonly digest: string;
  readonly output: string;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
}

const EPOCH = new Date(0);

/** The file at `output` appears complete or not at all. */
export async function assembleImage(options: AssembleImageOptions): Promise<AssembledImage> {
  const { tag, output, architecture = hostArchitecture(), cacheDirectory = defaultLayerCache(), log } = options;
  const layers: CachedLayer[] = [];
  for (const layer of options.layers) {
    const startMs = Date.now();
    layers.push(await cachedLayer(layer, cacheDirectory));
    log?.(`layer ${layer.name}: ${String(layer.entries.length)} files, ${String(Date.now() - startMs)} ms`);
  }
  const { digest, files } = imageDocuments({ ...options, architecture, layers });
  await mkdir(path.dirname(path.resolve(output)), { recursive: true });
  const temporary = `${output}.${String(process.pid)}`;
  try {
    await writeTar(files, layers, temporary);
    await rename(temporary, output);
  } finally {
    await rm(temporary, { force: true });
  }
  return {
    tag,
    qualifiedName: qualifiedName(tag),
    digest,
    output,
    compressedBytes: sum(layers.map(({ compressedBytes }) => compressedBytes)),
    uncompressedBytes: sum(layers.map(({ uncompressedBytes }) => uncompressedBytes)),
  };
}

async function writeTar(
  files: ReadonlyMap<string, string>,
  layers: readonly CachedLayer[],
  output: string,
): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(output));
  for (const [name, content] of files) tar.entry({ name, mtime: EPOCH }, content);
  // Two layers with the same content are one blob.
  for (const [digest, layer] of new Map(layers.map((layer) => [layer.digest, layer]))) {
    const member = tar.entry({ name: blobPath(digest), mtime: EPOCH, size: layer.compressedBytes });
    await pipeline(createReadStream(layer.file), member);
  }
  tar.finalize();
  await written;
}

/** This machine's processor, as images name it. */
export function hostArchitecture(): Architecture {
  if (process.arch === 'x64') return 'amd64';
  if (process.arch === 'arm64') return 'arm64';
  throw new Error(`there are images for x64 and arm64 only, this machine is ${process.arch}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
