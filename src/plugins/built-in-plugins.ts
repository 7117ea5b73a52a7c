import { MODULE_EXTENSION } from './module-extension.ts';

/** Modules of the plugins that every operator has. */
export const BUILT_IN_PLUGINS: readonly string[] = [
  'capacity-guard',
  'fault-injection',
  'maintenance-window',
  'node-lease',
].map((name) => new URL(`./${name}/${name}${MODULE_EXTENSION}`, import.meta.url).href);
