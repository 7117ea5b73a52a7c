/**
 * The real processes with the tokens of their pods, through a whole story: what the manifests grant is enough for it, and
 * nothing that they grant is never asked for.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { describeExit } from '../../src/dev/supervise.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { eventually } from '../support/eventually.ts';
import { EVERYTHING, InstalledCluster, NAMESPACE, type AuditEvent } from '../support/installed-cluster.ts';
import { find, findWorkload, kustomizationPath, readManifests, type Manifest } from '../support/manifests.ts';
import { localNodeFiles } from '../support/node-files.ts';
import { REPOSITORY } from '../support/run-command.ts';
import { SimulatedCluster } from '../support/simulated-cluster.ts';
import { createSysfsTree, type SysfsTree } from '../support/sysfs-tree.ts';

const MEMHP = fileURLToPath(new URL('../../src/cli/memhp.ts', import.meta.url));
/** Has a Node, so that its NodeMemory and its Lease belong to one; 128 MiB more than it has at boot are promised to pods. */
const SIMULATED = 'sim-1';
const REAL = 'worker-1';
const ADDED = `${SIMULATED}-memory8`;

describe('least privilege', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;
  let people: SimulatedCluster;
  let manifests: readonly Manifest[];
  let tree: SysfsTree;

  before(async () => {
    cluster = await InstalledCluster.open();
    await cluster.succeedInstalling(EVERYTHING);
    manifests = await readManifests(cluster.kubectl, EVERYTHING);
    await cluster.addNode(SIMULATED, { memory: '1152Mi' });
    await cluster.addNode(REAL);
    tree = createSysfsTree({ blocks: [{ range: '0-3' }, { range: '4-5', state: 'offline' }] });
    people = await startEverybody(cluster, manifests, tree.root);
  });
  after(async () => {
    await cluster.close();
    tree.remove();
  });

  it('is enough to add a block, to veto its offline, to take it away, and to discover others', async () => {
    await people.applyNotifier('guard', { actions: ['MEM_GOING_OFFLINE'], plugin: { name: 'capacity-guard' } });
    await people.applyNotifier('lease', { plugin: { name: 'node-lease' } });
    await people.applyBlock({ nodeName: SIMULATED, blockId: 8, state: 'online_movable', deletionPolicy: 'Remove' });
    await people.waitReady(ADDED);
    await promise(cluster, '1100Mi');
    await people.editBlock(ADDED, { state: 'offline' });
    await people.untilBlock(ADDED, 'vetoed', ({ status }) => status?.lastOperation?.result === 'Vetoed');
    await cluster.kubectl.succeed(['delete', 'mnot/guard']);
    await people.waitReady(ADDED);
    await cluster.kubectl.succeed(['delete', `mb/${ADDED}`, '--timeout=20s']);
    await cluster.kubectl.succeed(['patch', `nmem/${SIMULATED}`, '--type=merge', '-p', '{"spec":{"discovery":"All"}}']);
    await eventually('a block has got its object', () => people.block(`${SIMULATED}-memory7`));
  });

  it('is enough for the agent of a real node', async () => {
    await people.waitReady(await people.applyBlock({ nodeName: REAL, blockId: 4, state: 'online' }));
    assert.equal(tree.read(4), 'online');
  });

  it('is enough to let go of every object when the kinds are taken away, and to leave the memory as it is', async () => {
    const kept = await people.applyBlock({ nodeName: REAL, blockId: 3, state: 'online', deletionPolicy: 'Remove' });
    await people.waitReady(kept);
    await cluster.kubectl.succeed(['delete', '-k', kustomizationPath('crds'), '--timeout=20s']);
    assert.equal(tree.read(3), 'online');
  });

  it('was never exceeded', async () => {
    const refused = (await cluster.audited())
      .filter(({ responseStatus }) => responseStatus?.code === 403)
      // Not for want of a right: nobody may create an object of a kind that is being deleted.
      .filter(({ responseStatus }) => !responseStatus?.message?.includes('resource definition is terminating'));
    const told = refused.map(
      ({ user, verb, requestURI, responseStatus }) =>
        `${user.username} ${verb} ${requestURI}: ${responseStatus?.message ?? ''}`,
    );
    assert.deepEqual([...new Set(told)], []);
  });

  for (const account of ['memhp-operator', 'memhp-agent', 'memhp-simulated-agent']) {
    it(`of ${account} was all made use of`, async () => {
      const username = `system:serviceaccount:${NAMESPACE}:${account}`;
      const asked = (await cluster.audited()).filter(({ user }) => user.username === username);
      const idle = grantsOf(manifests, account).filter((grant) => !asked.some((event) => isUse(grant, event)));
      assert.deepEqual(idle.map(describeGrant), []);
    });
  }
});

async function startEverybody(
  cluster: InstalledCluster,
  manifests: readonly Manifest[],
  sysfsRoot: string,
): Promise<SimulatedCluster> {
  const { processes, directory } = cluster;
  const tools = await acquireTools(['temporal']);
  const temporal = await startTemporal({ tools, processes, stateDirectory: path.join(directory, 't'), headless: true });
  const nodes = path.join(directory, 'nodes');
  const start = async (name: string, node: string, args: readonly string[]): Promise<void> => {
    const KUBECONFIG = await cluster.asPodOf(findWorkload(manifests, name), node);
    const env = { KUBECONFIG, TEMPORAL_ADDRESS: temporal.address };
    const child = await processes.start({
      name,
      command: process.execPath,
      args: [MEMHP, ...args],
      env,
      cwd: REPOSITORY,
    });
    void child.exited.then((report) => report.unexpected && process.stderr.write(`${describeExit(report)}\n`));
  };
  await start('memhp-operator', REAL, ['operator', '--metrics-address', '0']);
  await start('memhp-simulated-agent', REAL, ['agent', '--state-dir', nodes, '--node', SIMULATED]);
  const real = ['agent', '--driver', 'sysfs', '--node', REAL, '--sysfs-root', sysfsRoot];
  await start('memhp-agent', REAL, [...real, '--state-dir', path.join(directory, 'run')]);
  const kubeConfig = loadKubeConfig({ kubeconfig: cluster.controlPlane.kubeconfig });
  return new SimulatedCluster({ kubectl: cluster.kubectl, kubeConfig, nodeFiles: localNodeFiles(nodes) });
}

/** A pod that was promised so much of the simulated node's memory. */
async function promise({ kubectl }: InstalledCluster, memory: string): Promise<void> {
  const metadata = { name: 'default', namespace: 'default' };
  await kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  const containers = [{ name: 'eater', image: 'none', resources: { requests: { memory } } }];
  await kubectl.succeed(['apply', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'eater', namespace: 'default' },
    spec: { nodeName: SIMULATED, containers },
  });
}

/** One verb on one resource, as a role grants it. */
interface Grant {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verb: string;
  /** Unset: in all, or cluster-scoped. */
  readonly namespace?: string;
}

interface Role extends Manifest {
  readonly rules: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

interface RoleBinding extends Manifest {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly name: string }[];
}

function grantsOf(manifests: readonly Manifest[], account: string): readonly Grant[] {
  const bindings = manifests.filter(({ kind }) => kind.endsWith('RoleBinding')) as RoleBinding[];
  return bindings
    .filter(({ subjects }) => subjects.some(({ name }) => name === account))
    .flatMap(({ roleRef, metadata: { namespace } }) =>
      (find(manifests, roleRef.kind, roleRef.name) as Role).rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((apiGroup) =>
          resources.flatMap((resource) =>
            verbs.map((verb) => ({ apiGroup, resource, verb, ...(namespace === undefined ? {} : { namespace }) })),
          ),
        ),
      ),
    );
}

function isUse({ apiGroup, resource, verb, namespace }: Grant, { objectRef, verb: asked }: AuditEvent): boolean {
  if (!objectRef || asked !== verb) return false;
  const subresource = objectRef.subresource === undefined ? '' : `/${objectRef.subresource}`;
  return (
    (objectRef.apiGroup ?? '') === apiGroup &&
    `${objectRef.resource}${subresource}` === resource &&
    (namespace === undefined || objectRef.namespace === namespace)
  );
}

function describeGrant({ apiGroup, resource, verb, namespace }: Grant): string {
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  return `${verb} ${resource}${apiGroup === '' ? '' : `.${apiGroup}`}${where}`;
}
