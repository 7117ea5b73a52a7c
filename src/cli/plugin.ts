/** `memhp plugin`: for those who write notifier plugins. */
import { Command } from 'commander';
import { pluginTestCommand } from './plugin-test.ts';

export function pluginCommand(): Command {
  return new Command('plugin').description('for authors of notifier plugins').addCommand(pluginTestCommand());
}
