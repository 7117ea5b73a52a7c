/**
 * For deploy/Dockerfile: puts into a folder what the image adds to its base image, the same files as in an assembled image.
 *
 *   node src/dev/image/stage-command.ts <folder>
 */
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageEntry } from './image-entry.ts';
import { filesOnBaseImage } from './operator-image.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');

async function place(entry: ImageEntry, folder: string): Promise<void> {
  const destination = path.join(folder, entry.path);
  await mkdir(path.dirname(destination), { recursive: true });
  switch (entry.kind) {
    case 'directory':
      await mkdir(destination, { recursive: true, mode: entry.mode });
      return;
    case 'symlink':
      return symlink(entry.target, destination);
    case 'text':
      return writeFile(destination, entry.text, { mode: entry.mode });
    case 'file':
      await copyFile(entry.source, destination);
      return chmod(destination, entry.mode);
  }
}

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node src/dev/image/stage-command.ts <folder>');
for (const entry of filesOnBaseImage(REPOSITORY, path.join(REPOSITORY, 'dist'))) await place(entry, folder);
