/** `memhp operator`: the controller and the workflow workers; any number may run side by side. */
import { Command } from 'commander';
import { runProcess, withProcessOptions, type ProcessOptions } from './run-process.ts';

interface OperatorCommandOptions extends ProcessOptions {
  readonly plugin: string[];
}

export function operatorCommand(): Command {
  const command = new Command('operator')
    .description('reconcile MemoryBlock objects by Temporal workflows; replicas are active side by side')
    .option(
      '--plugin <package...>',
      'further notifier plugins: npm packages or paths; a MemoryNotifier can only name loaded ones',
      [],
    )
    .action((options: OperatorCommandOptions) =>
      runProcess('operator', options, async (running) => {
        const { runOperator } = await import('../operator/operator.ts');
        const { plugin: plugins, clusterId } = options;
        return runOperator({ ...running, plugins, ...(clusterId ? { clusterId } : {}) });
      }),
    );
  return withProcessOptions(command);
}
