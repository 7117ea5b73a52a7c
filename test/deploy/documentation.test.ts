/** The examples of docs/install.md and docs/security.md do what the text says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadClientConfigProfile } from '@temporalio/envconfig';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { eventually } from '../support/eventually.ts';
import { sharedInstalledCluster, type InstalledCluster } from '../support/installed-cluster.ts';
import { find, readManifests, workloads, type Manifest } from '../support/manifests.ts';
import { REPOSITORY } from '../support/run-command.ts';

describe('docs/install.md', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;

  before(async () => {
    cluster = await sharedInstalledCluster();
  });

  it('has Temporal profiles as every Temporal client reads them, with files where the pods have them', async () => {
    const profiles = fenced('install.md', 'toml').map((text) =>
      loadClientConfigProfile({
        profile: 'memhp',
        configSource: { data: Buffer.from(text) },
        configFileStrict: true,
        disableEnv: true,
      }),
    );
    assert.equal(profiles.length, 2);
    const manifests = await readManifests(cluster.kubectl, 'deploy/base');
    const mounts = workloads(manifests).map(({ spec }) => spec.template.spec.containers[0].volumeMounts);
    for (const mounted of mounts) {
      const directory = mounted.find(({ name }) => name === 'temporal')?.mountPath;
      for (const { tls } of profiles) {
        for (const file of [tls?.serverCACert, tls?.clientCert, tls?.clientKey]) {
          if (file && 'path' in file) assert.equal(path.dirname(file.path), directory);
        }
      }
    }
  });

  it('names the profile that overlays/production chooses', async () => {
    const manifests = await readManifests(cluster.kubectl, 'deploy/overlays/production');
    const settings = manifests.find(({ kind }) => kind === 'ConfigMap') as Manifest & { data: object };
    assert.deepEqual(settings.data, { TEMPORAL_PROFILE: 'memhp' });
  });
});

describe('docs/security.md', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;

  before(async () => {
    cluster = await sharedInstalledCluster();
  });

  it('has a policy that holds a team to its nodes', async () => {
    const [policy = ''] = fenced('security.md', 'yaml');
    await cluster.kubectl.succeed(['apply', '-f', '-'], policy);
    const binding = ['create', 'clusterrolebinding', 'member', '--clusterrole=memhp-edit', '--group=team-a'];
    await cluster.kubectl.succeed(binding);
    const member = loadKubeConfig({ kubeconfig: await cluster.controlPlane.addUser('member', ['team-a']) });
    const create = (nodeName: string, more: object = {}): Promise<unknown> => {
      const metadata = { name: `${nodeName}-memory1` };
      const body = {
        apiVersion: 'memoryhotplug.io/v1alpha1',
        kind: 'MemoryBlock',
        metadata,
        spec: { nodeName, blockId: 1, ...more },
      };
      const collection = '/apis/memoryhotplug.io/v1alpha1/memoryblocks';
      return apiRequest(member, { method: 'POST', path: collection, query: { dryRun: 'All' }, body });
    };
    await eventually('the policy is in force', async () => {
      await assert.rejects(create('b-1'), /team-a changes memory of nodes a-\* only/);
      return true;
    });
    await create('a-1');
    await assert.rejects(create('a-1', { offlineTimeoutSeconds: 3600 }), /15 minutes at most/);
  });
});

describe('components/prometheus', function () {
  this.timeout(60_000);

  /** Its kind is another project's, so it is not applied here. */
  it('finds the metrics of every process of ours', async () => {
    const { kubectl } = await sharedInstalledCluster();
    const manifests = await readManifests(kubectl, 'test/deploy/with-prometheus');
    interface Monitor extends Manifest {
      readonly spec: { selector: { matchLabels: Record<string, string> }; endpoints: { port: string }[] };
    }
    interface Service extends Manifest {
      readonly spec: { ports: { name: string }[]; selector: Record<string, string> };
    }
    const { selector, endpoints } = (find(manifests, 'ServiceMonitor', 'memory-hotplug-operator') as Monitor).spec;
    const services = (manifests.filter(({ kind }) => kind === 'Service') as Service[])
      .filter(({ metadata }) =>
        Object.entries(selector.matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
      )
      .filter(({ spec }) => spec.ports.some(({ name }) => name === endpoints[0]?.port));
    const reached = services.map(({ spec }) => spec.selector['app.kubernetes.io/component']);
    assert.deepEqual(reached.sort(), ['agent', 'operator', 'simulated-agent']);
  });
});

/** Contents of the fenced blocks of a language, in order. */
function fenced(page: string, language: string): readonly string[] {
  const text = readFileSync(path.join(REPOSITORY, 'docs', page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
}
