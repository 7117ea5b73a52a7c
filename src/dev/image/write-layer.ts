/** Writes a layer as a compressed tar file: the same entries, the same bytes. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Header, type Pack } from 'tar-stream';
import { directory, type ImageEntry } from './image-entry.ts';

export interface LayerBlob {
  /** Of the compressed file: `sha256:…`. */
  readonly digest: string;
  /** Of the tar file inside, as an image's configuration names it. */
  readonly diffId: string;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
}

/** Every file is as old as time itself, so that a layer does not depend on when it was made. */
const EPOCH = new Date(0);

export async function writeLayer(entries: readonly ImageEntry[], output: string): Promise<LayerBlob> {
  const tar = pack();
  const uncompressed = new Digest();
  const compressed = new Digest();
  const written = pipeline(tar, uncompressed, createGzip(), compressed, createWriteStream(output));
  try {
    for (const entry of inOrder(entries)) await addEntry(tar, entry);
    tar.finalize();
  } catch (error) {
    tar.destroy();
    await written.catch(() => undefined);
    throw error;
  }
  await written;
  return {
    digest: compressed.digest(),
    diffId: uncompressed.digest(),
    compressedBytes: compressed.bytes,
    uncompressedBytes: uncompressed.bytes,
  };
}

/** Sorted by path, each folder before what is in it, folders that nobody named included. Throws when a path comes twice. */
export function inOrder(entries: readonly ImageEntry[]): ImageEntry[] {
  const byPath = new Map<string, ImageEntry>();
  for (const entry of entries) {
    if (byPath.has(entry.path)) throw new Error(`a layer has ${entry.path} twice`);
    byPath.set(entry.path, entry);
  }
  for (const entry of entries) {
    for (let at = path.posix.dirname(entry.path); at !== '/' && !byPath.has(at); at = path.posix.dirname(at)) {
      byPath.set(at, directory(at));
    }
  }
  return [...byPath.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

async function addEntry(tar: Pack, entry: ImageEntry): Promise<void> {
  const { uid = 0 } = entry;
  const header = { name: entry.path.slice(1), uid, gid: uid, mtime: EPOCH };
  switch (entry.kind) {
    case 'directory':
      return addWhole(tar, { ...header, type: 'directory', mode: entry.mode });
    case 'symlink':
      return addWhole(tar, { ...header, type: 'symlink', mode: 0o777, linkname: entry.target });
    case 'text':
      return addWhole(tar, { ...header, type: 'file', mode: entry.mode }, entry.text);
    case 'file': {
      const { size } = await stat(entry.source);
      const member = tar.entry({ ...header, type: 'file', mode: entry.mode, size });
      return pipeline(createReadStream(entry.source), member);
    }
  }
}

function addWhole(tar: Pack, header: Partial<Header> & Pick<Header, 'name'>, content = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Passes bytes on, counts and digests them. */
class Digest extends Transform {
  bytes = 0;
  readonly #hash: Hash = createHash('sha256');

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
