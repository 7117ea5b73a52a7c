/** What a layer of an image holds, before it is written. Paths are absolute, as inside the image. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

interface Owned {
  readonly path: string;
  /** Root when unset; the group is the same number. */
  readonly uid?: number;
}

export type ImageEntry =
  | (Owned & { readonly kind: 'directory'; readonly mode: number })
  | (Owned & { readonly kind: 'symlink'; readonly target: string })
  /** `source` is a file of this machine. */
  | (Owned & { readonly kind: 'file'; readonly mode: number; readonly source: string })
  | (Owned & { readonly kind: 'text'; readonly mode: number; readonly text: string });

/** Files that change together: a layer that has not changed is not written again. */
export interface ImageLayer {
  /** For people: it becomes the history of the image. */
  readonly name: string;
  readonly entries: readonly ImageEntry[];
}

/** A file of this machine; executable by all if it is so by its owner, else readable by all. */
export function file(imagePath: string, source: string): ImageEntry {
  const mode = (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755;
  return { kind: 'file', path: imagePath, mode, source };
}

export function text(imagePath: string, content: string, mode = 0o644): ImageEntry {
  return { kind: 'text', path: imagePath, mode, text: content };
}

export function directory(
  imagePath: string,
  options: { readonly mode?: number; readonly uid?: number } = {},
): ImageEntry {
  return { kind: 'directory', path: imagePath, mode: 0o755, ...options };
}

export function symlink(imagePath: string, target: string): ImageEntry {
  return { kind: 'symlink', path: imagePath, target };
}

/**
 * The files of `directory` on this machine, and of those below it, that `isWanted`. Gets paths relative to `directory`; a
 * folder that is not wanted is not looked into. Symbolic links are left out.
 */
export function tree(
  imagePath: string,
  directory: string,
  isWanted: (relativePath: string) => boolean = () => true,
): ImageEntry[] {
  const entries: ImageEntry[] = [];
  const visit = (relative: string): void => {
    for (const entry of readdirSync(path.join(directory, relative), { withFileTypes: true })) {
      const below = path.join(relative, entry.name);
      if (!isWanted(below)) continue;
      if (entry.isDirectory()) visit(below);
      else if (entry.isFile()) entries.push(file(path.posix.join(imagePath, below), path.join(directory, below)));
    }
  };
  visit('');
  return entries;
}
