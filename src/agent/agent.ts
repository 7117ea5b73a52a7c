/** The agent process: serves simulated nodes, one worker and one driver each, as their NodeMemory objects come and go. */
import type { Logger } from 'winston';
import type { KubeConfig } from '@kubernetes/client-node';
import { AGENT_FIELD_MANAGER } from '../contract/names.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { applyStatus } from '../k8s/apply-status.ts';
import { isNotFound } from '../k8s/api-error.ts';
import { clusterId } from '../k8s/cluster-id.ts';
import { MEMORY_BLOCKS, NODE_MEMORIES, type ResourceKind } from '../k8s/resource-kind.ts';
import { SelfHealingInformer } from '../k8s/self-healing-informer.ts';
import { connectTemporal } from '../temporal/connect-temporal.ts';
import { ensureNodeMemory } from './ensure-node-memory.ts';
import { retryUntilDone } from '../process/retry-until-done.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import type { StatusWriter } from './status-publisher.ts';

export interface AgentOptions {
  readonly kubeConfig: KubeConfig;
  /** Each node keeps its state in a directory of its own name below this one. */
  readonly stateDirectory: string;
  /** Serve these, and create their NodeMemory where it is missing; unset: every NodeMemory that has `spec.simulated`. */
  readonly nodes?: readonly string[];
  /** Unset: from the cluster itself. */
  readonly clusterId?: string;
  readonly logger: Logger;
}

/** A write that got no answer by then is repeated; the step that waits for it has a limit of its own. */
const WRITE_TIMEOUT_MS = 5_000;

/**
 * Runs until `signal` aborts, then stops serving and says so in each NodeMemory. Servers that cannot be reached are waited
 * for. Temporal's Runtime must have been installed before.
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { kubeConfig, logger, stateDirectory, nodes } = options;
  const cluster = await retryUntilDone('read the cluster id', logger, signal, () =>
    clusterId(kubeConfig, options.clusterId),
  );
  if (cluster === undefined) return;
  const temporal = await connectTemporal(logger, signal);
  if (!temporal) return;
  const { native: connection, namespace } = temporal;
  const writer = statusWriter(kubeConfig);
  const served = new SimulatedNodes({ stateDirectory, nodes, cluster, connection, namespace, writer, logger });
  try {
    for (const node of nodes ?? []) await createNodeMemory(options, node, signal);
    await followCluster(options, served, signal);
  } finally {
    await served.stop();
    await temporal.close();
  }
}

/** Tries until it is there: also when its kind is not installed, or its deletion is still under way. */
async function createNodeMemory(
  { kubeConfig, logger }: AgentOptions,
  name: string,
  signal: AbortSignal,
  lost?: NodeMemory,
): Promise<void> {
  const attempt = () => ensureNodeMemory(kubeConfig, name, lost);
  await retryUntilDone(`create NodeMemory ${name}`, logger, signal, attempt);
}

/** Feeds `served` with what happens to NodeMemories and MemoryBlocks until `signal` aborts. */
async function followCluster(options: AgentOptions, served: SimulatedNodes, signal: AbortSignal): Promise<void> {
  const { kubeConfig, logger, nodes } = options;
  const onState = (kind: ResourceKind) => (state: string, error?: unknown) => {
    if (state !== 'synced') logger.warn('watch interrupted', { kind: kind.kind, state, error: String(error) });
  };
  const only = nodes?.length === 1 ? nodes[0] : undefined;
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
      if (nodes?.includes(name)) void createNodeMemory(options, name, signal, node);
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
  memoryBlocks.start();
  nodeMemories.start();
  await new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', resolve, { once: true });
  });
  await Promise.all([memoryBlocks.stop(), nodeMemories.stop()]);
}

function statusWriter(kubeConfig: KubeConfig): StatusWriter {
  const write = async (kind: ResourceKind, name: string, status: object): Promise<void> => {
    try {
      await applyStatus(kubeConfig, {
        kind,
        name,
        status,
        fieldManager: AGENT_FIELD_MANAGER,
        timeoutMs: WRITE_TIMEOUT_MS,
      });
    } catch (error) {
      // Deleted meanwhile: there is nobody left to tell.
      if (!isNotFound(error)) throw error;
    }
  };
  return {
    writeNode: (name, status) => write(NODE_MEMORIES, name, status),
    writeBlock: (name, status) => write(MEMORY_BLOCKS, name, status),
  };
}
