/** `memhp locks`: who holds the locks of each node, and who waits. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { NodeMemory } from '../contract/resources.ts';
import type { LockServiceClient, NodeLocksAnswer } from '../temporal/lock-service-client.ts';
import { askClusterId, askKubernetes, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { locksReleaseCommand } from './locks-release.ts';
import { renderLocks } from './render-locks.ts';
import { Screen } from './screen.ts';

type Output = 'table' | 'wide' | 'json';

interface LocksCommandOptions extends ClusterOptions {
  readonly node?: readonly string[];
  readonly watch?: true;
  readonly output: Output;
}

/** A look costs the lock workflow a query, and no history. */
const WATCH_INTERVAL_MS = 1_000;
const WITHOUT_KUBERNETES = 'With --cluster-id and --node no Kubernetes is needed.';

export function locksCommand(): Command {
  const command = new Command('locks')
    .description('show who holds the locks of each node and who waits, in which order; and take a lock away')
    .option('--node <name...>', 'only these nodes; default: every node with a NodeMemory')
    .option('-w, --watch', 'go on looking; drawn anew in a terminal, appended on a change elsewhere')
    .addOption(
      new Option('-o, --output <format>', 'wide adds the runs').choices(['table', 'wide', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      '\nStates: held; closed (the workflow has ended, the node has not confirmed yet that nothing goes on); suspect ' +
        '(the holder is\nnot heard of); waits N (place in the queue). D → L → M is the order in which locks were asked for.',
    )
    // Otherwise --node behind `release` would be taken for ours.
    .enablePositionalOptions()
    .action(showLocks)
    .addCommand(locksReleaseCommand());
  return withClusterOptions(command);
}

async function showLocks(options: LocksCommandOptions): Promise<void> {
  const [{ connectClient }, { LockServiceClient }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/lock-service-client.ts'),
  ]);
  const cluster = await askClusterId(options, WITHOUT_KUBERNETES);
  const { client, close } = await connectClient();
  try {
    const service = new LockServiceClient(client, cluster);
    if (options.watch) await watch(service, options);
    else process.stdout.write(render(await look(service, options), options.output));
  } finally {
    await close();
  }
}

async function look(service: LockServiceClient, options: LocksCommandOptions): Promise<readonly NodeLocksAnswer[]> {
  return service.read(options.node ?? (await listNodes(options)));
}

async function listNodes(options: LocksCommandOptions): Promise<readonly string[]> {
  const [{ ResourceClient }, { NODE_MEMORIES }] = await Promise.all([
    import('../k8s/resource-client.ts'),
    import('../k8s/resource-kind.ts'),
  ]);
  const question = { what: 'which nodes there are', remedy: WITHOUT_KUBERNETES };
  return askKubernetes(options, question, async (config) => {
    const nodes = await new ResourceClient<NodeMemory>(config, NODE_MEMORIES, 'memhp').list();
    return nodes.map(({ metadata }) => metadata.name).sort();
  });
}

/** Until the process is ended, or nobody reads any more. */
async function watch(service: LockServiceClient, options: LocksCommandOptions): Promise<never> {
  process.stdout.on('error', () => process.exit());
  const screen = new Screen(process.stdout);
  let last: string | undefined;
  for (;;) {
    const answers = await look(service, options);
    const seen = JSON.stringify(answers);
    // Ages change all the time; what is appended to a file or a pipe should be news.
    if (screen.isTerminal || seen !== last) screen.show(render(answers, options.output), new Date());
    last = seen;
    await delay(WATCH_INTERVAL_MS);
  }
}

function render(answers: readonly NodeLocksAnswer[], output: Output): string {
  if (output === 'json') return `${JSON.stringify(answers, undefined, 2)}\n`;
  return renderLocks(answers, { nowMs: Date.now(), isWide: output === 'wide' });
}
