/** `memhp agent`: the process that does the work on nodes. */
import { Command, Option } from 'commander';
import type { NodeSource } from '../agent/node-source.ts';
import { runProcess, withProcessOptions, type ProcessOptions } from './run-process.ts';

interface AgentCommandOptions extends ProcessOptions {
  readonly driver: 'simulated' | 'sysfs';
  readonly stateDir?: string;
  readonly sysfsRoot?: string;
  readonly node?: readonly string[];
  readonly withoutNode?: boolean;
  readonly nodeNamePrefix?: string;
}

interface ServedHere {
  readonly source: NodeSource;
  readonly stateDirectory: string;
}

export function agentCommand(): Command {
  const command = new Command('agent')
    .description("run the driver of this node, or of many simulated ones, behind the nodes' task queues")
    .addOption(
      new Option('--driver <name>', 'sysfs: this node; simulated: nodes that exist in files only')
        .choices(['simulated', 'sysfs'])
        .default('simulated'),
    )
    .option('--state-dir <dir>', "the nodes' own files; default of sysfs: /run/memhp; simulated: must be given")
    .option(
      '--node <name...>',
      'serve these nodes, and create their NodeMemory; sysfs: exactly one, default NODE_NAME; simulated: default all that have spec.simulated',
    )
    .option(
      '--node-name-prefix <prefix>',
      'of simulated: without --node, only nodes whose names begin so; give it where real nodes are in the same cluster',
    )
    .option('--without-node', 'of sysfs: this host is no Node of the cluster; its NodeMemory belongs to none')
    .option('--sysfs-root <dir>', 'of sysfs: where the memory blocks are; default: /sys/devices/system/memory')
    .addHelpText(
      'after',
      `
On a real node:   memhp agent --driver sysfs --node "$(uname -n)"
The name is that of its Node; add --without-node on a host that is no Node of the cluster, or with a copied tree.
As root, because only root may write memory blocks; without that it reads, and every operation is refused. One agent per
host: a second one waits until the first has ended. Stopping it changes no memory. A write under way goes on without it (in
a pod it is interrupted); the next agent finds out what came of it and goes on from there.

Simulated nodes:  memhp agent --state-dir ~/memhp-nodes --node worker-1 worker-2
They keep their memory in --state-dir, which survives the agent.`,
    )
    .action(async (options: AgentCommandOptions) => {
      const served = await (options.driver === 'sysfs' ? realNode(options) : simulatedNodes(options));
      return runProcess('agent', options, async ({ log, signal, ...running }) => {
        const { runAgent } = await import('../agent/agent.ts');
        const { clusterId } = options;
        return runAgent({ ...running, logger: log, ...served, ...(clusterId ? { clusterId } : {}) }, signal);
      });
    });
  return withProcessOptions(command, '0');
}

async function simulatedNodes(options: AgentCommandOptions): Promise<ServedHere> {
  const { stateDir, node, nodeNamePrefix, sysfsRoot, withoutNode } = options;
  if (sysfsRoot !== undefined) throw new Error('--sysfs-root is of a real node: add --driver sysfs');
  if (withoutNode) throw new Error('simulated nodes need no Node: leave --without-node out');
  if (stateDir === undefined) throw new Error('simulated nodes keep their memory in files: say where with --state-dir');
  if (node && nodeNamePrefix !== undefined) {
    throw new Error('--node names the nodes, --node-name-prefix chooses among all: give one of the two');
  }
  const { simulatedNodes: source } = await import('../agent/simulated-nodes.ts');
  return { source: source(node, nodeNamePrefix), stateDirectory: stateDir };
}

/** Throws what is wrong with the machine, or with the command line, before any server is asked. */
async function realNode(options: AgentCommandOptions): Promise<ServedHere> {
  const { stateDir, node, nodeNamePrefix, sysfsRoot, withoutNode = false } = options;
  if (nodeNamePrefix !== undefined) throw new Error('--node-name-prefix is of simulated nodes: leave it out');
  const [{ MEMORY_SYSFS }, { checkMemorySysfs }, { RUN_DIRECTORY }, { sysfsNode }] = await Promise.all([
    import('../drivers/capture/sysfs-snapshot.ts'),
    import('../agent/check-memory-sysfs.ts'),
    import('../online-mems/gate-files.ts'),
    import('../agent/sysfs-node.ts'),
  ]);
  const root = sysfsRoot ?? MEMORY_SYSFS;
  const name = onlyNode(node ?? [process.env['NODE_NAME'] ?? '']);
  checkMemorySysfs(root);
  return { source: sysfsNode({ node: name, sysfsRoot: root, withoutNode }), stateDirectory: stateDir ?? RUN_DIRECTORY };
}

function onlyNode(names: readonly string[]): string {
  const [name = ''] = names;
  if (names.length > 1)
    throw new Error(`--driver sysfs serves the host that it runs on: one --node, not ${names.join(' ')}`);
  if (name === '') {
    throw new Error('which node is this? Name it as Kubernetes does, with --node or in the environment as NODE_NAME');
  }
  return name;
}
