/** The operator's image: the layers that it is assembled of, and how it is started. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { appLayer } from './app-layer.ts';
import { hostArchitecture } from './assemble-image.ts';
import { APP_ROOT, dependenciesLayer } from './dependencies-layer.ts';
import type { ImageSettings } from './image-documents.ts';
import type { ImageEntry, ImageLayer } from './image-entry.ts';
import { runtimeLayer } from './runtime-layer.ts';
import { certificatesFile, USER_ID } from './user-files.ts';

export interface OperatorImage extends ImageSettings {
  readonly tag: string;
  /** Base, packages, app: what changes most often is last. */
  readonly layers: readonly ImageLayer[];
}

/**
 * What `assembleImage` makes the operator's image of; for images derived from it, append layers. `dist` is what
 * buildDistribution made; `revision` the commit that it was made of.
 */
export async function operatorImage(repository: string, dist: string, revision?: string): Promise<OperatorImage> {
  const packages = packagesLayer(repository);
  const { version, license, description } = packageFacts(repository);
  return {
    tag: `memory-hotplug-operator:${version}`,
    layers: [await runtimeLayer(nativesOf(packages.entries)), packages, appLayer(repository, dist)],
    entrypoint: ['/usr/local/bin/memhp'],
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production'],
    user: `${String(USER_ID)}:${String(USER_ID)}`,
    workingDirectory: APP_ROOT,
    labels: {
      'org.opencontainers.image.title': 'memory-hotplug-operator',
      'org.opencontainers.image.description': description,
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.version': version,
      ...(revision === undefined ? {} : { 'org.opencontainers.image.revision': revision }),
    },
  };
}

/** What a Dockerfile copies onto its base image: the same files as in the assembled image, without Node and libraries. */
export function filesOnBaseImage(repository: string, dist: string): ImageEntry[] {
  return [...packagesLayer(repository).entries, ...appLayer(repository, dist).entries];
}

function packagesLayer(repository: string): ImageLayer {
  const { name, entries } = dependenciesLayer(repository, hostArchitecture());
  return { name, entries: [...entries, certificatesFile()] };
}

function nativesOf(entries: readonly ImageEntry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'file' && entry.path.endsWith('.node') ? [entry.source] : []));
}

interface PackageFacts {
  readonly version: string;
  readonly license: string;
  readonly description: string;
}

function packageFacts(repository: string): PackageFacts {
  return JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as PackageFacts;
}
