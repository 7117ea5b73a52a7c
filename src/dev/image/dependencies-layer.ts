/** The layer of the packages that the operator runs on, taken from an installed checkout, which is left as it is. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Architecture } from './image-documents.ts';
import { text, tree, type ImageEntry, type ImageLayer } from './image-entry.ts';
import { CORE_BRIDGE_LICENCES, coreBridgeLicences, LICENCES } from './native-licences.ts';
import { isPackageFileNeeded } from './package-files.ts';
import { productionPackages, STAND_INS, type LockedPackages, type ProductionPackage } from './production-packages.ts';

/** Plugins that are put here, or below, find the operator's packages, and the operator finds them by name. */
export const APP_ROOT = '/opt/memhp';

/** Packages that bring no text of their licence: where it is. The rest names its licence in package.json only. */
const TEXT_ELSEWHERE: Readonly<Record<string, string>> = {
  '@temporalio/core-bridge': CORE_BRIDGE_LICENCES,
  '@koromix/koffi-linux-x64': `${APP_ROOT}/node_modules/koffi/LICENSE.txt`,
  '@koromix/koffi-linux-arm64': `${APP_ROOT}/node_modules/koffi/LICENSE.txt`,
};

/** Instead of what only a build of workflows needs. */
const STAND_IN = `// The image has the workflows bundled already. @temporalio/worker imports this when it is loaded and uses it
// only to bundle workflows.
'use strict';
module.exports = new Proxy({}, {
  get(_target, property) {
    if (property === '__esModule') return true;
    throw new Error(__dirname + ' is a stand-in: workflows cannot be bundled in this image');
  },
});
`;

export function dependenciesLayer(repository: string, architecture: Architecture): ImageLayer {
  const packages = installedProductionPackages(repository);
  const entries = packages.flatMap((found) => packageFiles(found, repository, architecture));
  const licences = [
    text(`${LICENCES}/third-party.txt`, licenceList(packages, entries)),
    coreBridgeLicences(repository),
  ];
  return { name: 'npm packages', entries: [...entries, ...STAND_INS.flatMap(standIn), ...licences] };
}

function installedProductionPackages(repository: string): ProductionPackage[] {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(repository, name), 'utf8'));
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
  // Not package-lock.json: npm writes here what it really installed on this platform.
  const { packages } = read('node_modules/.package-lock.json') as { packages: LockedPackages };
  return productionPackages(dependencies, packages);
}

function packageFiles(
  { name, location }: ProductionPackage,
  repository: string,
  architecture: Architecture,
): ImageEntry[] {
  return tree(path.posix.join(APP_ROOT, location), path.join(repository, location), (file) =>
    isPackageFileNeeded(name, file, architecture),
  );
}

function standIn(name: string): ImageEntry[] {
  const folder = `${APP_ROOT}/node_modules/${name}`;
  return [
    text(`${folder}/package.json`, `${JSON.stringify({ name, version: '0.0.0', main: 'index.js' })}\n`),
    text(`${folder}/index.js`, STAND_IN),
  ];
}

/** One line for each package: name, version, licence, and where in the image its text is. */
function licenceList(packages: readonly ProductionPackage[], entries: readonly ImageEntry[]): string {
  const lines = packages.map(({ name, version, license, location }) => {
    const folder = path.posix.join(APP_ROOT, location);
    const own = entries
      .filter((entry) => path.posix.dirname(entry.path) === folder && /\/(licen|copying|notice)/i.test(entry.path))
      .map((entry) => entry.path);
    const elsewhere = TEXT_ELSEWHERE[name];
    const texts = own.length === 0 && elsewhere !== undefined ? [elsewhere] : own;
    return [`${name}@${version}`, license, ...texts].join('  ');
  });
  return `${lines.join('\n')}\n`;
}
