import type { MemoryNotify, NotifierReply } from '../../contract/notifier.ts';
import type { Check } from './check.ts';

/** A plugin that can be asked, by whatever transport. */
export interface PluginUnderTest {
  /** Asks it as the operator would, until the event's deadline; resolves whatever the plugin does. */
  ask(event: MemoryNotify): Promise<NotifierReply>;
  /** What only its transport has to be tested for. */
  readonly checks: readonly Check[];
  close(): Promise<void>;
}
