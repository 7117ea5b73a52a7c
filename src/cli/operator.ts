/** `memhp operator`: the controller and the workflow workers; any number may run side by side. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { PERMIT_LIMIT_MAX } from '../kernel/permit-table.ts';
import { provideLookupThreads } from '../plugins/webhook/lookup-threads.ts';
import { runProcess, withProcessOptions, type ProcessOptions } from './run-process.ts';

interface OperatorCommandOptions extends ProcessOptions {
  readonly plugin: string[];
  readonly maxConcurrentOfflines: number;
}

export function operatorCommand(): Command {
  const command = new Command('operator')
    .description('reconcile MemoryBlock objects by Temporal workflows; replicas are active side by side')
    .option(
      '--plugin <package...>',
      'further notifier plugins: npm packages or paths; a MemoryNotifier can only name loaded ones',
      [],
    )
    .addOption(
      new Option(
        '--max-concurrent-offlines <n>',
        `how many offlines may be under way at a time in the whole fleet, up to ${String(PERMIT_LIMIT_MAX)}; 0: no limit`,
      )
        .env('MEMHP_MAX_CONCURRENT_OFFLINES')
        .argParser(parseLimit)
        .default(0),
    )
    .action((options: OperatorCommandOptions) => {
      provideLookupThreads();
      return runProcess('operator', options, async (running) => {
        const { runOperator } = await import('../operator/operator.ts');
        const { plugin: plugins, clusterId, maxConcurrentOfflines } = options;
        return runOperator({
          ...running,
          plugins,
          ...(clusterId ? { clusterId } : {}),
          ...(maxConcurrentOfflines > 0 ? { maxConcurrentOfflines } : {}),
        });
      });
    });
  return withProcessOptions(command, ':8080');
}

function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(limit <= PERMIT_LIMIT_MAX)) {
    throw new InvalidArgumentError(`a whole number from 1 to ${String(PERMIT_LIMIT_MAX)}, or 0 for no limit`);
  }
  return limit;
}
