/** The manifests as a user applies them: one command on a cluster that knows nothing of ours. */
import assert from 'node:assert/strict';
import { EVERYTHING, InstalledCluster, NAMESPACE, podOf } from '../support/installed-cluster.ts';
import {
  findWorkload,
  kustomizationPath,
  readManifests,
  workloads,
  type Manifest,
  type Workload,
} from '../support/manifests.ts';

const NODE = 'worker-1';
const OVERLAYS = ['deploy/overlays/dev', 'deploy/overlays/production', EVERYTHING];

describe('the manifests of deploy/', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;

  before(async () => {
    cluster = await InstalledCluster.open();
    await cluster.addNode(NODE);
  });
  after(() => cluster.close());

  for (const overlay of OVERLAYS) {
    describe(overlay, () => {
      let manifests: readonly Manifest[];

      before(async () => {
        manifests = await readManifests(cluster.kubectl, overlay);
      });

      it('is accepted as a whole by one kubectl apply, without a warning', async () => {
        const { status, stderr } = await cluster.install(overlay);
        assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      });

      it('changes nothing when applied again', async () => {
        const { status, stdout } = await cluster.kubectl.run(['diff', '-k', kustomizationPath(overlay)]);
        assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
      });

      it('has pods that Pod Security and every other admission plugin let in', async () => {
        for (const workload of workloads(manifests)) {
          await cluster.kubectl.succeed(['create', '--dry-run=server', '-f', '-'], podOf(workload, NODE));
        }
      });

      it('has no object of our own kinds', () => {
        const ours = manifests.filter(({ apiVersion }) => apiVersion.startsWith('memoryhotplug.io/'));
        assert.deepEqual(ours, []);
      });
    });
  }

  describe('deploy/jobs', () => {
    it('is accepted, and has pods that Pod Security level restricted lets in', async () => {
      const enforced = [
        'label',
        '--overwrite',
        'namespace',
        NAMESPACE,
        'pod-security.kubernetes.io/enforce=restricted',
      ];
      await cluster.kubectl.succeed(enforced);
      const said = ['apply', '--dry-run=server', '-f', kustomizationPath('deploy/jobs'), '-o', 'json'];
      const { items } = JSON.parse(await cluster.kubectl.succeed(said)) as { items: Workload[] };
      assert.ok(items.length > 0);
      for (const job of items) {
        await cluster.kubectl.succeed(['create', '--dry-run=server', '-f', '-'], podOf(job, NODE));
      }
    });
  });

  describe('the agent', () => {
    it('is let in by Pod Security level privileged only, for its two directories and nothing else', async () => {
      const enforced = ['label', '--overwrite', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=baseline'];
      await cluster.kubectl.succeed(enforced);
      const manifests = await readManifests(cluster.kubectl, 'deploy/base');
      const agent = findWorkload(manifests, 'memhp-agent');
      const { stderr } = await cluster.kubectl.run(['create', '--dry-run=server', '-f', '-'], podOf(agent, NODE));
      assert.match(
        stderr,
        /violates PodSecurity "baseline:latest": hostPath volumes \(volumes "memory", "state"\)\s*$/,
      );
    });
  });
});
