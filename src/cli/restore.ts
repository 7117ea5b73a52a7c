/** `memhp restore`: after Temporal's database was put back to an earlier moment, makes sure that nothing of it counts. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { Client } from '@temporalio/client';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { askClusterId, askKubernetes, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { exitOnWrongUsage, statusOf } from './exit-status.ts';
import { say } from './say.ts';
import type { ClusterObjects } from './why-not-restore.ts';

interface RestoreOptions extends ClusterOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
}

const EXIT = { done: 0, refused: 2 };
/** What is begun anew all the time is begun by somebody. */
const ENDING_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 500;
const REASON = 'memhp restore: the Temporal server was put back to an earlier moment';
const EXPLANATION = `
What should be stands in Kubernetes, and what is stands on the nodes. Temporal knows what is under way; a backup knows what was
under way then. Workflows of the backup would go on from there, with locks that have been passed on since.

For every node of this cluster NodeMemory.status.lockService notes that nobody knows what was granted before: the next lock
workflow has the node's agent settle every earlier token, and only then grants, in a new epoch. Then every open workflow of this
cluster is terminated, paused ones as well: those of its nodes and blocks by name, all others as the server lists them. Operators
start what is still wanted; blocks whose operation was cut off tell the notifiers how it ended.

Stop the operators first (kubectl -n memhp-system scale deployment/memhp-operator --replicas=0), wait until their pods are gone,
end commands that run under memhp lock, and start the operators afterwards. Agents may stay. See docs/restore.md.

Without --yes it says what it would do. It refuses while operators poll, and where the Temporal namespace has nothing of this
cluster: that is another namespace or cluster id, or a server that started empty, where nothing is to be done. --force does it
all the same.

Exit status: 0 done; 2 refused, or not all could be done: repeat it.`;

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      "after Temporal's database was restored from a backup: settle what was under way, end what the backup brings back",
    )
    .option('--yes', 'do it')
    .option('--force', 'also while operators poll, and where nothing of this cluster is found')
    .addHelpText('after', EXPLANATION)
    .action(statusOf(EXIT.refused, restore));
  return withClusterOptions(exitOnWrongUsage(command, EXIT.refused));
}

async function restore({ yes = false, force = false, ...options }: RestoreOptions): Promise<number> {
  const [{ connectClient }, { openWorkflows, workflowIdsOf }, { whyNotNow }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/end-open-workflows.ts'),
    import('./why-not-restore.ts'),
  ]);
  const cluster = await askClusterId(options, '');
  const objects = await readObjects(options);
  const { client, address, close } = await connectClient();
  try {
    process.stdout.write(`Namespace ${client.options.namespace} at ${address}, cluster ${cluster}:\n`);
    const lookForOpen = () => openWorkflows(client, cluster, workflowIdsOf(cluster, objects));
    const open = await lookForOpen();
    const nodes = `${String(objects.nodes.length)} nodes: everything that was granted before is to be settled.`;
    process.stdout.write(`${nodes}\n${String(open.length)} open workflows are to be terminated.\n`);
    const obstacle = await whyNotNow(client, { cluster, objects, open, isWaiting: yes && !force });
    if (obstacle !== undefined) say(`${obstacle}. ${force ? 'Going on, by --force' : 'Nothing was changed'}.`);
    if (obstacle !== undefined && !force) return EXIT.refused;
    if (!yes) {
      say('nothing was changed; repeat with --yes');
      return EXIT.done;
    }
    // In this order: a lock workflow that is started in between must know that it may not believe the histories.
    await disownAll(options, objects);
    await endAll(client, open, lookForOpen);
    process.stdout.write('Done. Start the operators.\n');
    return EXIT.done;
  } finally {
    await close();
  }
}

async function disownAll(options: ClusterOptions, { nodes }: ClusterObjects): Promise<void> {
  const { disownLockService } = await import('../operator/disown-lock-service.ts');
  await askKubernetes(options, { what: 'to note the loss' }, async (config) => {
    for (const { metadata } of nodes) await disownLockService(config, metadata.name);
  });
}

async function endAll(
  client: Client,
  open: readonly string[],
  lookForOpen: () => Promise<readonly string[]>,
): Promise<void> {
  const { terminateAll } = await import('../temporal/end-open-workflows.ts');
  const endMs = Date.now() + ENDING_LIMIT_MS;
  for (let left = open; left.length > 0; left = await lookForOpen()) {
    if (Date.now() > endMs) {
      const what = `${String(left.length)} workflows are still open (${left[0] ?? ''} …)`;
      throw new Error(`${what}; are operators running? Stop them and repeat.`);
    }
    await terminateAll(client, left, REASON);
    await delay(LOOK_EVERY_MS);
  }
}

async function readObjects(options: ClusterOptions): Promise<ClusterObjects> {
  const [{ ResourceClient }, { MEMORY_BLOCKS, NODE_MEMORIES }] = await Promise.all([
    import('../k8s/resource-client.ts'),
    import('../k8s/resource-kind.ts'),
  ]);
  return askKubernetes(options, { what: 'which nodes and blocks there are' }, async (config) => ({
    nodes: await new ResourceClient<NodeMemory>(config, NODE_MEMORIES, 'memhp').list(),
    blocks: await new ResourceClient<MemoryBlock>(config, MEMORY_BLOCKS, 'memhp').list(),
  }));
}
