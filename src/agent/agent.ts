/** The agent process: serves nodes, one worker and one driver each, as their NodeMemory objects come and go. */
import type { Logger } from 'winston';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Registry } from 'prom-client';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { clusterId } from '../k8s/cluster-id.ts';
import { MEMORY_BLOCKS, NODE_MEMORIES, type ResourceKind } from '../k8s/resource-kind.ts';
import { SelfHealingInformer } from '../k8s/self-healing-informer.ts';
import { closeInOrder } from '../process/close-in-order.ts';
import type { Readiness } from '../process/readiness.ts';
import { retryUntilDone } from '../process/retry-until-done.ts';
import { connectTemporal } from '../temporal/connect-temporal.ts';
import { probeTemporal } from '../temporal/temporal-probe.ts';
import { countServedNodes } from './count-served-nodes.ts';
import { ensureNodeMemory } from './ensure-node-memory.ts';
import type { NodeSource } from './node-source.ts';
import { ServedNodes } from './served-nodes.ts';
import { createStatusWriter } from './status-writer.ts';
import { createStepReports } from './step-reports.ts';

export interface AgentOptions {
  readonly kubeConfig: KubeConfig;
  /** Which nodes, and by which driver. */
  readonly source: NodeSource;
  /** Each node keeps its files in a directory of its own name below this one. */
  readonly stateDirectory: string;
  /** Unset: from the cluster itself. */
  readonly clusterId?: string;
  readonly logger: Logger;
  /** Where the metrics of this process are registered. */
  readonly metrics: Registry;
  readonly readiness: Readiness;
  /** Told of the error with which the agent is about to reject, before it stops serving. */
  readonly fail: (error: unknown) => void;
}

/**
 * Runs until `signal` aborts, then stops serving and says so in each NodeMemory. Servers that cannot be reached are waited
 * for. Rejects, after the same end, when a worker has died: the process has to be started again. Temporal's Runtime must have been installed before.
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { kubeConfig, logger, stateDirectory, source, metrics, readiness } = options;
  const cluster = await retryUntilDone('read the cluster id', logger, signal, () =>
    clusterId(kubeConfig, options.clusterId),
  );
  if (cluster === undefined) return;
  const temporal = await connectTemporal(logger, signal);
  if (!temporal) return;
  const { native: connection, namespace } = temporal;
  const writer = createStatusWriter(kubeConfig);
  const reportStep = createStepReports(metrics, logger);
  const probe = probeTemporal(temporal);
  const failing = new AbortController();
  const ending = AbortSignal.any([signal, failing.signal]);
  const served = new ServedNodes({
    source,
    stateDirectory,
    cluster,
    connection,
    namespace,
    probe,
    writer,
    logger,
    reportStep,
    onFailure: (error) => {
      options.fail(error);
      failing.abort(error);
    },
  });
  readiness.add('Temporal', probe.check);
  readiness.add('nodes', () => served.check());
  countServedNodes(metrics, served);
  try {
    for (const node of source.nodes ?? []) await createNodeMemory(options, node, ending);
    await followCluster(options, served, ending);
  } finally {
    readiness.shutDown();
    probe.stop();
    await closeInOrder(logger, {
      nodes: () => served.stop(),
      'connection to Temporal': () => temporal.close(),
    });
  }
  failing.signal.throwIfAborted();
}

/** Tries until it is there: also when its kind is not installed, or its deletion is still under way. */
async function createNodeMemory(
  { kubeConfig, logger, source }: AgentOptions,
  name: string,
  signal: AbortSignal,
  lost?: NodeMemory,
): Promise<void> {
  const { needsNode } = source;
  const wanted = { name, needsNode, spec: source.newSpec(lost), ...(lost ? { lost } : {}) };
  await retryUntilDone(`create NodeMemory ${name}`, logger, signal, () => ensureNodeMemory(kubeConfig, wanted));
}

/** Feeds `served` with what happens to NodeMemories and MemoryBlocks until `signal` aborts. */
async function followCluster(options: AgentOptions, served: ServedNodes, signal: AbortSignal): Promise<void> {
  const { kubeConfig, logger, source, readiness } = options;
  const onState = (kind: ResourceKind) => (state: string, error?: unknown) => {
    if (state !== 'synced') logger.warn('watch interrupted', { kind: kind.kind, state, error });
  };
  const only = source.nodes?.length === 1 ? source.nodes[0] : undefined;
  const nodeMemories = new SelfHealingInformer<NodeMemory>({
    kubeConfig,
    kind: NODE_MEMORIES,
    ...(only === undefined ? {} : { fieldSelector: `metadata.name=${only}` }),
    onChange: (node, change) => {
      if (change !== 'delete') {
        served.nodeSeen(node);
        return;
      }
      const { name } = node.metadata;
      served.nodeGone(name);
      if (source.nodes?.includes(name)) void createNodeMemory(options, name, signal, node);
    },
    onState: onState(NODE_MEMORIES),
  });
  const memoryBlocks = new SelfHealingInformer<MemoryBlock>({
    kubeConfig,
    kind: MEMORY_BLOCKS,
    ...(only === undefined ? {} : { fieldSelector: `spec.nodeName=${only}` }),
    onChange: (block, change) => {
      if (change === 'delete') served.blockGone(block);
      else served.blockSeen(block);
    },
    onState: onState(MEMORY_BLOCKS),
  });
  for (const watch of [memoryBlocks, nodeMemories]) {
    readiness.add(`watch of ${watch.kind}`, () => watch.check());
    watch.start();
  }
  readiness.started();
  await new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', resolve, { once: true });
  });
  await Promise.all([memoryBlocks.stop(), nodeMemories.stop()]);
}
