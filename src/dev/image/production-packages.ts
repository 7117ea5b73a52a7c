/** Which of the installed packages an image needs. Pure: a walk through package-lock.json as npm resolves it. */

export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** By location: `node_modules/a/node_modules/b`. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export interface ProductionPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly location: string;
}

/**
 * What @temporalio/worker needs to bundle workflows and for nothing else. It imports the first three when it is loaded, so
 * the image has a stand-in for them.
 */
export const STAND_INS = ['webpack', 'memfs', 'unionfs'] as const;
const LEFT_OUT: ReadonlySet<string> = new Set([...STAND_INS, '@swc/core', 'swc-loader', 'source-map-loader']);
/** Types; and ports of Node's modules to another runtime, which packages map their imports to only there. */
const LEFT_OUT_BY_NAME = /^(@types\/|bare-(?!events$))/;

/** Sorted by location. Throws when a package that is needed is not in `installed`. */
export function productionPackages(
  dependencies: Readonly<Record<string, string>>,
  installed: LockedPackages,
): ProductionPackage[] {
  const found = new Set<string>();
  const waiting = Object.keys(dependencies).map((name) => ({ name, from: '', isRequired: true }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, from, isRequired } = next;
    if (LEFT_OUT.has(name) || LEFT_OUT_BY_NAME.test(name)) continue;
    const location = resolve(name, from, installed);
    if (location === undefined) {
      if (isRequired) throw new Error(`${name} is not installed, ${from || 'this package'} needs it; run npm install`);
      continue;
    }
    if (found.has(location)) continue;
    found.add(location);
    waiting.push(...needsOf(installed[location] ?? {}, location));
  }
  return [...found].sort().map((location) => describe(location, installed[location] ?? {}));
}

interface Need {
  readonly name: string;
  readonly from: string;
  readonly isRequired: boolean;
}

/** What is optional is taken where it is installed: npm installs only what is for this platform. */
function needsOf(locked: LockedPackage, from: string): Need[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = locked;
  return [
    ...Object.keys(dependencies).map((name) => ({ name, from, isRequired: !(name in optionalDependencies) })),
    ...Object.keys(optionalDependencies).map((name) => ({ name, from, isRequired: false })),
    ...Object.keys(peerDependencies)
      .filter((name) => peerDependenciesMeta[name]?.optional !== true)
      .map((name) => ({ name, from, isRequired: true })),
  ];
}

/** Where Node would find `name` from the package at `from`: in its own node_modules, then further up. */
function resolve(name: string, from: string, installed: LockedPackages): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const location = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (location in installed) return location;
    if (base === '') return undefined;
  }
}

function describe(location: string, { version = '', license = 'unknown' }: LockedPackage): ProductionPackage {
  const name = location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return { name, version, license, location };
}
