import type { AskPluginInput } from '../src/contract/ask-plugin.ts';
import { NOT_ASKED, type NotifierReply } from '../src/contract/notifier.ts';
import { askNotifiers } from './ask-notifiers.ts';

/**
 * Asks one plugin once, the way operations ask. Runs only in the process of the person who tests the plugin, which is slow to
 * begin many at once: that is not to be held against the plugin.
 */
export async function askPlugin({ notifier, event, withinMs }: AskPluginInput): Promise<NotifierReply> {
  const [result] = await askNotifiers([notifier], event, Date.now() + withinMs);
  return result?.reply ?? NOT_ASKED;
}
