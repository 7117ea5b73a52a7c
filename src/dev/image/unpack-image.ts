/** Unpacks an image's tar file, as a container runtime would, to run it without one. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, chown, link, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { ImageSettings } from './image-documents.ts';

export interface UnpackedImage extends ImageSettings {
  readonly rootfs: string;
  remove(): Promise<void>;
}

/** In front of a file's name: the file is deleted from the layers below. */
const WHITEOUT = '.wh.';

interface DockerManifest {
  readonly Config: string;
  readonly Layers: readonly string[];
}

interface DockerConfig {
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Env?: readonly string[];
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

/**
 * Unpacks the tar file that assembleImage, docker, podman or buildah wrote, below `directory`. Owners are kept when this
 * process is root. Devices are left out: a container has those of its runtime.
 */
export async function unpackImage(archive: string, directory: string): Promise<UnpackedImage> {
  await mkdir(directory, { recursive: true });
  const work = await mkdtemp(path.join(directory, 'image-'));
  const parts = path.join(work, 'parts');
  const rootfs = path.join(work, 'rootfs');
  await unpack(createReadStream(archive), parts);
  const readPart = async (name: string): Promise<unknown> => JSON.parse(await readFile(path.join(parts, name), 'utf8'));
  const [manifest] = (await readPart('manifest.json')) as [DockerManifest];
  for (const layer of manifest.Layers) {
    const file = path.join(parts, layer);
    const bytes = createReadStream(file);
    await unpack((await isCompressed(file)) ? bytes.pipe(createGunzip()) : bytes, rootfs);
  }
  const { config } = (await readPart(manifest.Config)) as DockerConfig;
  await rm(parts, { recursive: true });
  return {
    rootfs,
    entrypoint: config.Entrypoint ?? [],
    env: config.Env ?? [],
    user: config.User ?? '0:0',
    workingDirectory: config.WorkingDir ?? '/',
    labels: config.Labels ?? {},
    remove: () => rm(work, { recursive: true, force: true }),
  };
}

async function unpack(tar: Readable, root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const members = extract();
  const placed = async (): Promise<void> => {
    for await (const member of members) {
      await place(member.header, member as AsyncIterable<Buffer>, root);
      member.resume();
    }
  };
  await Promise.all([pipeline(tar, members), placed()]);
}

async function place(header: Header, content: AsyncIterable<Buffer>, root: string): Promise<void> {
  const { name, type, linkname, mode, uid, gid } = header;
  const destination = path.join(root, name);
  const folder = type === 'directory' ? destination : path.dirname(destination);
  await mkdir(folder, { recursive: true });
  // A link in one layer may point out of the image; nothing is written through it.
  if (!`${await realpath(folder)}/`.startsWith(`${await realpath(root)}/`)) throw new Error(`${name} lies outside`);
  const whiteout = path.basename(name).startsWith(WHITEOUT) ? path.basename(name).slice(WHITEOUT.length) : undefined;
  if (whiteout !== undefined) return rm(path.join(folder, whiteout), { recursive: true, force: true });
  if (type !== 'directory') await rm(destination, { recursive: true, force: true }); // of a lower layer
  if (type === 'symlink') return symlink(linkname, destination);
  if (type === 'link') return link(path.join(root, linkname), destination);
  if (type === 'file') await pipeline(content, createWriteStream(destination));
  else if (type !== 'directory') return;
  if (process.getuid?.() === 0) await chown(destination, uid, gid);
  await chmod(destination, mode);
}

async function isCompressed(file: string): Promise<boolean> {
  const start: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: 1 })) start.push(chunk as Buffer);
  return Buffer.concat(start).equals(Buffer.from([0x1f, 0x8b]));
}
