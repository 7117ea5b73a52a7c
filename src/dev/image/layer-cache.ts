/** Layers that were written before, by what is in them: compressing Node takes 5 s, finding it again half a second. */
import { createHash, hash as oneShotHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { ImageEntry, ImageLayer } from './image-entry.ts';
import { inOrder, writeLayer, type LayerBlob } from './write-layer.ts';

export interface CachedLayer extends LayerBlob {
  readonly name: string;
  /** The compressed tar file. Belongs to the cache. */
  readonly file: string;
}

/** A layer that no image had for so long is removed; a developer's day leaves some 50 of 1 MB each. */
const UNUSED_MS = 14 * 24 * 3_600_000;
/** With the key: what else decides the bytes. */
const FORMAT = `1 zlib ${process.versions.zlib} node ${process.version}`;

export function defaultLayerCache(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'memhp', 'layers');
}

/** `layer`, written to `cacheDirectory` unless it is there. Several processes may do so at once. */
export async function cachedLayer({ name, entries }: ImageLayer, cacheDirectory: string): Promise<CachedLayer> {
  const key = await digestOf(entries);
  const file = path.join(cacheDirectory, `${key}.tar.gz`);
  const record = path.join(cacheDirectory, `${key}.json`);
  const known = await readFile(record, 'utf8').catch(() => undefined);
  if (known !== undefined) {
    await Promise.all([touch(file), touch(record)]);
    return { ...(JSON.parse(known) as LayerBlob), name, file };
  }
  await mkdir(cacheDirectory, { recursive: true });
  await removeUnused(cacheDirectory);
  const temporary = `${file}.${String(process.pid)}`;
  try {
    const blob = await writeLayer(entries, temporary);
    await rename(temporary, file);
    await writeFileAtomic(record, JSON.stringify(blob)); // last: what has a record is complete
    return { ...blob, name, file };
  } finally {
    await rm(temporary, { force: true });
  }
}

async function digestOf(entries: readonly ImageEntry[]): Promise<string> {
  const hash = createHash('sha256').update(FORMAT);
  for (const entry of inOrder(entries)) {
    const { source, ...described } = entry as ImageEntry & { readonly source?: string };
    hash.update(`\0${JSON.stringify(described)}`);
    // At once, not as a stream: of thousands of small files, the turns of the event loop cost most.
    if (source !== undefined) hash.update(oneShotHash('sha256', await readFile(source)));
  }
  return hash.digest('hex');
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now);
}

async function removeUnused(cacheDirectory: string): Promise<void> {
  for (const name of await readdir(cacheDirectory)) {
    const file = path.join(cacheDirectory, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity })); // another process was faster
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(file, { force: true });
  }
}
