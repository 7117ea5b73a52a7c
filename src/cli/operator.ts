/** `memhp operator`: the controller and the workflow workers; any number may run side by side. */
import { Command } from 'commander';
import { runProcess, withProcessOptions, type ProcessOptions } from './run-process.ts';

interface OperatorCommandOptions extends ProcessOptions {
  readonly plugin: string[];
  readonly metricsAddress: string;
}

export function operatorCommand(): Command {
  const command = new Command('operator')
    .description('reconcile MemoryBlock objects by Temporal workflows; replicas are active side by side')
    .option(
      '--plugin <package...>',
      'further notifier plugins: npm packages or paths; a MemoryNotifier can only name loaded ones',
      [],
    )
    .option('--metrics-address <address>', 'serve GET /metrics for Prometheus there; 0: do not', ':8080')
    .action((options: OperatorCommandOptions) =>
      runProcess('operator', options, async (running) => {
        const [{ runOperator }, { parseListenAddress, whileServingMetrics }] = await Promise.all([
          import('../operator/operator.ts'),
          import('../operator/metrics-server.ts'),
        ]);
        const { plugin: plugins, clusterId } = options;
        return whileServingMetrics(parseListenAddress(options.metricsAddress), running.log, (metrics) =>
          runOperator({ ...running, plugins, metrics, ...(clusterId ? { clusterId } : {}) }),
        );
      }),
    );
  return withProcessOptions(command);
}
