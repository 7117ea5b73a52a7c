import type { NotifierPlugin } from './define-plugin.ts';
import { plugin as capacityGuard } from './capacity-guard/capacity-guard.ts';
import { plugin as faultInjection } from './fault-injection/fault-injection.ts';
import { plugin as maintenanceWindow } from './maintenance-window/maintenance-window.ts';
import { MODULE_EXTENSION } from './module-extension.ts';
import { plugin as nodeLease } from './node-lease/node-lease.ts';

export interface BuiltInPlugin {
  readonly plugin: NotifierPlugin<never>;
  /** What its thread imports. */
  readonly moduleUrl: string;
}

/**
 * The plugins that every operator has. They are asked in threads as all others are; that they are imported here too spares
 * each start of an operator four threads.
 */
export const BUILT_IN_PLUGINS: readonly BuiltInPlugin[] = [
  capacityGuard,
  faultInjection,
  maintenanceWindow,
  nodeLease,
].map((plugin) => {
  const { name } = plugin;
  return { plugin, moduleUrl: new URL(`./${name}/${name}${MODULE_EXTENSION}`, import.meta.url).href };
});
