/** `memhp agent`: the process that does the work on nodes. */
import { Command, Option } from 'commander';
import { runProcess, withProcessOptions, type ProcessOptions } from './run-process.ts';

interface AgentCommandOptions extends ProcessOptions {
  readonly stateDir: string;
  readonly node?: string[];
}

export function agentCommand(): Command {
  const command = new Command('agent')
    .description("run the driver of one node, or of many simulated ones, behind the nodes' task queues")
    .addOption(
      new Option('--driver <name>', 'what carries the operations out').choices(['simulated']).default('simulated'),
    )
    .requiredOption('--state-dir <dir>', 'where simulated nodes keep their state; it survives the agent')
    .option(
      '--node <name...>',
      'serve these nodes only, and create their NodeMemory; default: every simulated NodeMemory',
    )
    .action((options: AgentCommandOptions) =>
      runProcess('agent', options, async ({ kubeConfig, log, signal }) => {
        const { runAgent } = await import('../agent/agent.ts');
        const { stateDir: stateDirectory, node: nodes, clusterId } = options;
        const chosen = { ...(nodes ? { nodes } : {}), ...(clusterId ? { clusterId } : {}) };
        return runAgent({ kubeConfig, stateDirectory, logger: log, ...chosen }, signal);
      }),
    );
  return withProcessOptions(command);
}
