/**
 * A cluster with real pods and this project installed in it by kustomize. Operator and agents run as pods and nowhere else.
 *
 * Started by the first test that asks, stopped by a root hook. Each test has simulated nodes of its own; their names begin
 * with `sim-`, because the agent of simulated nodes may write no others. The real node's memory is a copied tree.
 */
import path from 'node:path';
import { after } from 'mocha';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { buildE2eImages, IMAGE, IMAGES_DIRECTORY, NEXT_IMAGE } from './e2e-images.ts';
import { eventually } from './eventually.ts';
import { Inspector } from './inspector.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { OperatedCluster, type OperatedClusterOptions } from './operated-cluster.ts';
import { forwardPort, type PortForward } from './port-forward.ts';
import { REPOSITORY } from './run-command.ts';
import { startE2eCluster } from './start-e2e-cluster.ts';
import { describeTree } from './sysfs-tree.ts';
import { installTestRuntime } from './test-runtime.ts';

export const OVERLAY = path.join(REPOSITORY, 'test/e2e/overlay');
const NAMESPACE = 'memhp-system';
const WORKLOADS = [
  'deployment/temporal',
  'deployment/memhp-operator',
  'deployment/memhp-simulated-agent',
  'daemonset/memhp-agent',
];
/** The user that simulated nodes' files belong to: deploy/components/simulated-agent. */
const AGENT_UID = 65_532;
/** The memory of the real node: as a machine with 1 GiB that boots, and 512 MiB more that nobody uses yet. */
const TREE = [
  { range: '0-5', validZones: 'Normal' },
  { range: '6-7', validZones: 'Movable' },
  { range: '8-11', state: 'offline' },
];

let cluster: Promise<E2eCluster> | undefined;
let shared: Promise<E2eStage> | undefined;

/** The cluster with the images and nothing of ours installed. Allow 3 min when you call it first. */
export function openE2eCluster(): Promise<E2eCluster> {
  cluster ??= buildE2eImages(IMAGES_DIRECTORY).then((images) => startE2eCluster({ images, log }));
  return cluster;
}

/** Allow 4 min when you call it first. */
export function openE2eStage(): Promise<E2eStage> {
  shared ??= openE2eCluster().then((started) => E2eStage.open(started));
  return shared;
}

after('stop the cluster', async function () {
  this.timeout(60_000);
  const stage = await shared?.catch(() => undefined);
  await stage?.close();
  const started = await cluster?.catch(() => undefined);
  await started?.stop();
});

interface Parts extends OperatedClusterOptions {
  readonly kubeconfig: string;
  readonly inspector: Inspector;
  readonly nodeName: string;
  readonly cleanups: readonly (() => Promise<unknown>)[];
}

export class E2eStage extends OperatedCluster {
  readonly image = IMAGE;
  readonly nextImage = NEXT_IMAGE;
  /** The Node that the agent of real nodes runs on. */
  readonly nodeName: string;
  readonly kubeconfig: string;
  readonly #inspector: Inspector;
  readonly #cleanups: readonly (() => Promise<unknown>)[];

  private constructor({ kubeconfig, inspector, nodeName, cleanups, ...options }: Parts) {
    super(options);
    this.kubeconfig = kubeconfig;
    this.nodeName = nodeName;
    this.#inspector = inspector;
    this.#cleanups = cleanups;
  }

  static async open({ kubeconfig }: E2eCluster): Promise<E2eStage> {
    const cleanups: (() => Promise<unknown>)[] = [];
    try {
      const kubectlFile = await acquireTool('kubectl');
      const kubectl = createKubectl(kubectlFile, kubeconfig);
      const inspector = await Inspector.start(kubectl);
      await inspector.write(describeTree({ blocks: TREE }, 'memory'));
      await inspector.makeFolder('nodes', AGENT_UID);
      await install(kubectl);
      const kubeConfig = loadKubeConfig({ kubeconfig });
      const forward = await forwardPort({
        kubectl: kubectlFile,
        kubeconfig,
        namespace: NAMESPACE,
        target: 'service/temporal',
        port: 7233,
      });
      cleanups.push(() => forward.close());
      const temporal = await connect(forward);
      cleanups.push(() => temporal.close());
      const [nodeName = ''] = (
        await kubectl.succeed(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])
      ).split(' ');
      return new E2eStage({
        ...{ kubeconfig, kubectl, kubeConfig, inspector, nodeName, cleanups },
        nodeFiles: inspector.nodeFiles('nodes'),
        clusterId: await clusterId(kubeConfig),
        temporal: temporal.client,
      });
    } catch (error) {
      for (const cleanup of cleanups.reverse()) await cleanup();
      throw error;
    }
  }

  /** The cluster stays. */
  async close(): Promise<void> {
    for (const cleanup of [...this.#cleanups].reverse()) await cleanup();
  }

  /** What `memoryN/state` of the copied tree says. */
  async treeState(blockId: number): Promise<string> {
    return (await this.#inspector.read(stateFile(blockId)))?.trim() ?? '';
  }

  /** As somebody at the node's shell. */
  writeTreeState(blockId: number, state: string): Promise<void> {
    return this.#inspector.write({ files: { [stateFile(blockId)]: `${state}\n` } });
  }

  /** The states of all its blocks. */
  async tree(): Promise<readonly string[]> {
    const blocks = Array.from({ length: 12 }, (_, blockId) => this.treeState(blockId));
    return Promise.all(blocks);
  }
}

async function install(kubectl: Kubectl): Promise<void> {
  await kubectl.succeed(['apply', '-k', OVERLAY]);
  for (const workload of WORKLOADS) {
    const ready = ['-n', NAMESPACE, 'rollout', 'status', workload, '--timeout=55s'];
    await eventually(`${workload} is ready`, () => kubectl.succeed(ready), { limitMs: 120_000 });
  }
}

async function connect({ address }: PortForward): Promise<TemporalConnections> {
  const temporal = await connectTemporal(installTestRuntime(), new AbortController().signal, { address });
  if (!temporal) throw new Error('connecting was given up');
  return temporal;
}

function stateFile(blockId: number): string {
  return `memory/memory${String(blockId)}/state`;
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}
