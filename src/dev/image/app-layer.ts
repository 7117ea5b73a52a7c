/** The layer of the operator itself: compiled code, workflow bundle, CRDs, and the command `memhp`. */
import path from 'node:path';
import { APP_ROOT } from './dependencies-layer.ts';
import { file, text, tree, type ImageLayer } from './image-entry.ts';
import { LICENCES } from './native-licences.ts';

/** Where the image has this package. */
export const PACKAGE_ROOT = `${APP_ROOT}/node_modules/memory-hotplug-operator`;

/**
 * As process 1 of a container, a process gets no signal that it has no handler for, and the operator installs its own only
 * after a second of loading: without this, a pod that is deleted just then would be killed at the end of its grace period.
 */
const COMMAND = `#!/usr/local/bin/node
for (const [signal, status] of [['SIGTERM', 143], ['SIGINT', 130]]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(status);
  });
}
import('${PACKAGE_ROOT}/bin/memhp.mjs');
`;

/** `dist` is what buildDistribution made of the checkout at `repository`. */
export function appLayer(repository: string, dist: string): ImageLayer {
  const own = (name: string): string => path.join(repository, name);
  return {
    name: 'memory-hotplug-operator',
    entries: [
      file(`${PACKAGE_ROOT}/package.json`, own('package.json')),
      file(`${PACKAGE_ROOT}/bin/memhp.mjs`, own('bin/memhp.mjs')),
      ...tree(`${PACKAGE_ROOT}/dist`, dist, (name) => !/^src\/dev$|\.(d\.ts|map)$/.test(name)),
      ...tree(`${PACKAGE_ROOT}/crds`, own('crds')),
      file(`${LICENCES}/LICENSE`, own('LICENSE')),
      text('/usr/local/bin/memhp', COMMAND, 0o755),
    ],
  };
}
