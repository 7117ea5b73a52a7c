/** `memhp restore`: after Temporal's database was put back to an earlier moment, makes sure that nothing of it counts. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { NodeMemory } from '../contract/resources.ts';
import { askClusterId, askKubernetes, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { say } from './say.ts';

interface RestoreOptions extends ClusterOptions {
  readonly yes?: true;
}

/** Visibility lags: what was terminated is listed as open for a moment. */
const VISIBLE_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 500;
const REASON = 'memhp restore: the Temporal server was put back to an earlier moment';
const EXPLANATION = `
What should be stands in Kubernetes, and what is stands on the nodes. Temporal knows what is under way; a backup knows what was
under way then. Workflows of the backup would go on from there, with locks that have been passed on since.

For every node of this cluster NodeMemory.status.lockService notes that nobody knows what was granted before: the next lock
workflow has the node's agent settle every earlier token, and only then grants, in a new epoch. Then every open workflow whose id
begins with this cluster's is terminated. Operators start what is still wanted; blocks whose operation was cut off tell the
notifiers how it ended.

Stop the operators first (kubectl -n memhp-system scale deployment/memhp-operator --replicas=0), end commands that run under
memhp lock, and start the operators afterwards. Agents may stay. See docs/restore.md. Where the server started empty this is not
needed, and does no harm.

Without --yes it says what it would do.`;

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      "after Temporal's database was restored from a backup: settle what was under way, end what the backup brings back",
    )
    .option('--yes', 'do it')
    .addHelpText('after', EXPLANATION)
    .action(restore);
  return withClusterOptions(command);
}

async function restore(options: RestoreOptions): Promise<void> {
  const [{ connectClient }, { openWorkflows, terminateAll }, { disownLockService }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/end-open-workflows.ts'),
    import('../operator/disown-lock-service.ts'),
  ]);
  const cluster = await askClusterId(options);
  const nodes = await listNodes(options);
  const { client, close } = await connectClient();
  try {
    const open = await openWorkflows(client, cluster);
    process.stdout.write(`${String(nodes.length)} nodes: everything that was granted before is to be settled.\n`);
    process.stdout.write(`${String(open.length)} open workflows of cluster ${cluster} are to be terminated.\n`);
    if (!options.yes) {
      say('nothing was changed; repeat with --yes');
      return;
    }
    // In this order: a lock workflow that is started in between must know that it may not believe the histories.
    await askKubernetes(kubernetesOf(options), 'to note the loss', async (config) => {
      for (const { metadata } of nodes) await disownLockService(config, metadata.name);
    });
    const endMs = Date.now() + VISIBLE_LIMIT_MS;
    for (let left = open; left.length > 0; left = await openWorkflows(client, cluster)) {
      if (Date.now() > endMs)
        throw new Error(
          `${String(left.length)} workflows are still open (${left[0] ?? ''} …); are operators running? Stop them and repeat.`,
        );
      await terminateAll(client, left, REASON);
      await delay(LOOK_EVERY_MS);
    }
    process.stdout.write('Done. Start the operators.\n');
  } finally {
    await close();
  }
}

async function listNodes(options: RestoreOptions): Promise<readonly NodeMemory[]> {
  const [{ ResourceClient }, { NODE_MEMORIES }] = await Promise.all([
    import('../k8s/resource-client.ts'),
    import('../k8s/resource-kind.ts'),
  ]);
  return askKubernetes(kubernetesOf(options), 'which nodes there are', (config) =>
    new ResourceClient<NodeMemory>(config, NODE_MEMORIES, 'memhp').list(),
  );
}

function kubernetesOf({ kubeconfig }: RestoreOptions): { readonly kubeconfig?: string } {
  return kubeconfig === undefined ? {} : { kubeconfig };
}
