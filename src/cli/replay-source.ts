/** Where `memhp replay` has its histories from: a server, compared with what Kubernetes says of it, or files. */
import type { NodeMemory } from '../contract/resources.ts';
import { nodeLocksWorkflowId } from '../contract/names.ts';
import type { FoundHistory, HistoryQuery } from '../temporal/find-histories.ts';
import type { NamedWorkflow } from '../temporal/is-any-known.ts';
import { askClusterId, askKubernetes, type ClusterOptions } from './cluster-options.ts';

export interface ReplaySource {
  /** How many histories there are. */
  readonly count: number;
  readonly histories: AsyncIterable<FoundHistory>;
  /** Why finding no history does not mean that there is none; unset: it does. */
  readonly doubt?: string;
  /** What was left out. */
  readonly gaps: readonly string[];
  readonly close: () => Promise<void>;
}

type Wanted = Omit<HistoryQuery, 'cluster'>;

/**
 * Rejects with an Error for people when server, namespace or cluster cannot be asked, or the lock workflows that Kubernetes
 * names are not known there: then it is another namespace, or another cluster's id.
 */
export async function fromServer(options: ClusterOptions, wanted: Wanted): Promise<ReplaySource> {
  const [{ connectClient }, { findRuns, readHistories }, { isAnyKnown }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/find-histories.ts'),
    import('../temporal/is-any-known.ts'),
  ]);
  const cluster = wanted.query === undefined ? await askClusterId(options) : '';
  const named = wanted.query === undefined ? await lockWorkflowsOf(options, cluster) : 'only the query was asked';
  const { client, address, close } = await connectClient();
  try {
    const { namespace } = client.options;
    if (typeof named !== 'string' && named.length > 0 && !(await isAnyKnown(client, named))) {
      throw new Error(notHere(`namespace ${namespace} at ${address}`, cluster, named.length));
    }
    const { runs, cut } = await findRuns(client, { cluster, ...wanted });
    const gaps = cut.map((type) => `more than ${String(wanted.openLimit)} ${type} are open; --open-limit takes more`);
    const doubt = typeof named === 'string' ? { doubt: named } : {};
    return { count: runs.length, histories: readHistories(client, runs), gaps, close, ...doubt };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function fromFiles(files: readonly string[]): Promise<ReplaySource> {
  const { readExportedHistory } = await import('../temporal/exported-history.ts');
  async function* histories(): AsyncGenerator<FoundHistory> {
    for (const file of files) yield await readExportedHistory(file);
  }
  return { count: files.length, histories: histories(), gaps: [], close: () => Promise.resolve() };
}

/** The runs that the cluster's nodes name; a string: why they cannot be asked for, where the id was given. */
async function lockWorkflowsOf(options: ClusterOptions, cluster: string): Promise<readonly NamedWorkflow[] | string> {
  const [{ ResourceClient }, { NODE_MEMORIES }] = await Promise.all([
    import('../k8s/resource-client.ts'),
    import('../k8s/resource-kind.ts'),
  ]);
  try {
    const nodes = await askKubernetes(options, { what: 'which lock workflows there are' }, (config) =>
      new ResourceClient<NodeMemory>(config, NODE_MEMORIES, 'memhp').list(),
    );
    return nodes.flatMap(({ metadata, status }) => {
      const { runId } = status?.lockService ?? {};
      return runId === undefined ? [] : [{ workflowId: nodeLocksWorkflowId(cluster, metadata.name), runId }];
    });
  } catch (error) {
    return (error as Error).message;
  }
}

function notHere(where: string, cluster: string, count: number): string {
  return (
    `${where} knows none of the ${String(count)} lock workflows that Kubernetes names of cluster ${cluster}. ` +
    'Set TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (or the profile) and --cluster-id as the operators have them'
  );
}
