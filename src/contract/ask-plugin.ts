/** Workflow `askPlugin`: asks one plugin once, as an operation would, for a person who tests it. */
import type { MemoryNotify, RegisteredNotifier } from './notifier.ts';

export const ASK_PLUGIN_WORKFLOW = 'askPlugin';

export interface AskPluginInput {
  readonly notifier: RegisteredNotifier;
  readonly event: MemoryNotify;
  /** How long the plugin may take, counted from when it is asked; the event's own deadline is that of the person's process. */
  readonly withinMs: number;
}
