/**
 * A cluster with real pods and this project installed in it by kustomize. Operator and agents run as pods and nowhere else.
 *
 * Started by the first test that asks, stopped by a root hook. Each test has simulated nodes of its own; their names begin
 * with `sim-`, because the agent of simulated nodes may write no others. The real node's memory is a copied tree.
 */
import { after } from 'mocha';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { buildE2eImages, IMAGE, IMAGES_DIRECTORY, NEXT_IMAGE, NEXT_VERSION } from './e2e-images.ts';
import { chooseE2eNode, type E2eNode } from './e2e-node.ts';
import { writeE2eOverlay, type E2eOverlay } from './e2e-overlay.ts';
import { uninstall } from './existing-cluster.ts';
import { eventually } from './eventually.ts';
import { Inspector } from './inspector.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { OperatedCluster, type OperatedClusterOptions } from './operated-cluster.ts';
import { forwardPort, type PortForward } from './port-forward.ts';
import { startE2eCluster } from './start-e2e-cluster.ts';
import { describeTree } from './sysfs-tree.ts';
import { installTestRuntime } from './test-runtime.ts';

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
  readonly overlay: string;
  readonly cleanups: readonly (() => Promise<unknown>)[];
}

export class E2eStage extends OperatedCluster {
  readonly image = IMAGE;
  readonly nextImage = NEXT_IMAGE;
  /** What `nextImage` says it is. */
  readonly nextVersion = NEXT_VERSION;
  /** What was installed by `kubectl apply -k`. */
  readonly overlay: string;
  /** The Node that the agent of real nodes runs on. */
  readonly nodeName: string;
  readonly kubeconfig: string;
  readonly #inspector: Inspector;
  readonly #cleanups: readonly (() => Promise<unknown>)[];

  private constructor({ kubeconfig, inspector, nodeName, overlay, cleanups, ...options }: Parts) {
    super(options);
    this.overlay = overlay;
    this.kubeconfig = kubeconfig;
    this.nodeName = nodeName;
    this.#inspector = inspector;
    this.#cleanups = cleanups;
  }

  static async open({ kubeconfig, provider }: E2eCluster): Promise<E2eStage> {
    const cleanups: (() => Promise<unknown>)[] = [];
    try {
      const kubectlFile = await acquireTool('kubectl');
      const kubectl = createKubectl(kubectlFile, kubeconfig);
      const node = await chooseE2eNode(kubectl);
      const overlay = await writeE2eOverlay(node);
      cleanups.push(() => overlay.remove());
      const inspector = await furnishNode(kubectl, node);
      cleanups.push(() => inspector.close());
      if (provider === 'existing') cleanups.push(() => uninstall(kubectl));
      await install(kubectl, overlay);
      const target = { namespace: NAMESPACE, target: 'service/temporal', port: 7233 };
      const forward = await forwardPort({ kubectl: kubectlFile, kubeconfig, ...target });
      cleanups.push(() => forward.close());
      const temporal = await connect(forward);
      cleanups.push(() => temporal.close());
      const kubeConfig = loadKubeConfig({ kubeconfig });
      return new E2eStage({
        ...{ kubeconfig, kubectl, kubeConfig, inspector, cleanups },
        nodeName: node.name,
        overlay: overlay.directory,
        nodeFiles: inspector.nodeFiles('nodes'),
        clusterId: await clusterId(kubeConfig),
        temporal: temporal.client,
      });
    } catch (error) {
      await runAll(cleanups.reverse()).catch(() => undefined); // the first error says more
      throw error;
    }
  }

  /** The cluster stays, with nothing of these tests on it where it was there before. */
  async close(): Promise<void> {
    await runAll([...this.#cleanups].reverse());
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

/** One after the other, also when one fails; throws what failed. */
async function runAll(cleanups: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const cleanup of cleanups) await cleanup().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
}

/** With the files that the agents find. */
async function furnishNode(kubectl: Kubectl, node: E2eNode): Promise<Inspector> {
  const inspector = await Inspector.start(kubectl, node);
  await inspector.write(describeTree({ blocks: TREE }, 'memory'));
  await inspector.makeFolder('nodes', AGENT_UID);
  return inspector;
}

async function install(kubectl: Kubectl, { directory }: E2eOverlay): Promise<void> {
  await kubectl.succeed(['apply', '-k', directory]);
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
