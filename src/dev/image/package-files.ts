/** Which files of an installed package an image needs. Pure. */
import type { Architecture } from './image-documents.ts';

/** Licences are kept, whatever they are called. */
const LICENCE = /^(licen[cs]e|notice|copying|copyright)/i;
/** Types, source maps, documentation, and the sources of what is compiled. */
const NOT_RUN = /\.(d\.[cm]?ts|[cm]?tsx?|map|md|markdown|flow|tsbuildinfo|cc|hh|cpp|c|h|inc|s|asm|rs|gyp|gypi|o)$/i;
/** Folders that hold none of the files that Node loads. */
const NOT_RUN_FOLDERS = new Set(['.github', '.vscode', 'test', 'tests', '__tests__', 'docs', 'example', 'examples']);

const RUST_ARCHITECTURE: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** Packages that bring more than a rule for all would leave out: for each, what is kept or left out. */
const RULES: Readonly<Record<string, (file: string, architecture: Architecture) => boolean>> = {
  // Native libraries for all platforms, and the Rust sources.
  '@temporalio/core-bridge': (file, architecture) =>
    /^(index|common)\.js$|^package\.json$|^(lib|releases)$|^lib\//.test(file) ||
    isAtOrBelow(file, `releases/${RUST_ARCHITECTURE[architecture]}-unknown-linux-gnu`),
  '@koromix/koffi-linux-x64': isForGlibc,
  '@koromix/koffi-linux-arm64': isForGlibc,
  koffi: (file) => !/^(vendor|doc|lib)(\/|$)/.test(file),
  // The same code for bundlers, for browsers and for Node, which loads dist/cjs.
  rxjs: (file) => !/^(src|dist\/(esm|esm5|bundles|types))(\/|$)/.test(file),
};

/** `file` is a path below the package, or a folder that is to be looked into. */
export function isPackageFileNeeded(packageName: string, file: string, architecture: Architecture): boolean {
  const parts = file.split('/');
  if (parts.includes('node_modules')) return false; // a package of its own
  const base = parts.at(-1) ?? '';
  if (LICENCE.test(base) && !/\.[cm]?[jt]s$/.test(base)) return true;
  if (NOT_RUN_FOLDERS.has(parts[0] ?? '') || NOT_RUN.test(base) || base.startsWith('.')) return false;
  return RULES[packageName]?.(file, architecture) ?? true;
}

function isForGlibc(file: string): boolean {
  return !file.startsWith('musl_');
}

function isAtOrBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}
