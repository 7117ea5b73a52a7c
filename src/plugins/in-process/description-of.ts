import type { NotifierPlugin } from '../define-plugin.ts';
import type { PluginDescription } from './thread-messages.ts';

/** What a plugin says about itself, as plain data; of one that is not complete, the words for that. */
export function descriptionOf(plugin: Partial<NotifierPlugin<never>>): PluginDescription {
  return {
    apiVersion: String(plugin.apiVersion),
    name: String(plugin.name),
    description: String(plugin.description),
    configSchema: JSON.stringify(plugin.configSchema ?? null),
    uses: (plugin.uses ?? []).map(String),
  };
}
