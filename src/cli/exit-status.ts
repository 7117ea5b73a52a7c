/** Commands whose exit status says how they came out, also where that could not be found out. */
import type { Command } from 'commander';
import { say } from './say.ts';

/** The action of a command: its status is what `run` answers, or `failed` when it throws, which is said. */
export function statusOf<Arguments extends readonly unknown[]>(
  failed: number,
  run: (...given: Arguments) => Promise<number>,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    try {
      process.exitCode = await run(...given);
    } catch (error) {
      say((error as Error).message);
      process.exitCode = failed;
    }
  };
}

/** Wrong usage ends with `failed` as well; --help with 0. */
export function exitOnWrongUsage(command: Command, failed: number): Command {
  return command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : failed));
}
