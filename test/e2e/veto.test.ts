/** A notifier plugin that is a pod: its veto reaches the block, and when the reason goes away the block follows. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createAuthority } from '../support/certificates.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { REPOSITORY } from '../support/run-command.ts';

const NAMESPACE = 'change-freeze';
const EXAMPLE = path.join(REPOSITORY, 'examples/plugins/webhook');
const NODE = 'sim-frozen';

describe('a webhook plugin that is a pod', function () {
  this.timeout(60_000);
  let stage: E2eStage;

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
    await stage.createNode(NODE, { simulated: ONE_OPERATION_LAYOUT });
    await deployPlugin(stage);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', 'mnot', NAMESPACE, '--ignore-not-found']);
    await stage.kubectl.succeed(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
  });

  it('vetoes an offline during the freeze; the offline succeeds after it', async () => {
    const block = await stage.applyBlock({ nodeName: NODE, blockId: 4, state: 'offline' });
    const { notifiers } = await stage.untilReason(block, 'Deferred', { limitMs: 40_000 });
    const veto = notifiers?.find(({ result }) => result === 'NOTIFY_BAD');
    assert.equal(veto?.name, NAMESPACE);
    assert.match(veto.reason ?? '', /change freeze/);
    // A new pod, because a mounted ConfigMap takes up to a minute to follow.
    await stage.kubectl.succeed(['-n', NAMESPACE, 'delete', 'configmap', 'freeze']);
    await stage.kubectl.succeed(['-n', NAMESPACE, 'rollout', 'restart', 'deployment', NAMESPACE]);
    await stage.kubectl.succeed(['-n', NAMESPACE, 'rollout', 'status', 'deployment', NAMESPACE, '--timeout=50s']);
    await stage.waitReady(block, 40);
    assert.deepEqual(await stage.effectsOf(NODE, 4), ['pages-offline']);
  });
});

/** The example as it stands in examples/, with a certificate of our own and the image that is in the cluster already. */
async function deployPlugin({ kubectl, image }: E2eStage): Promise<void> {
  const authority = await createAuthority('change freeze');
  const host = `${NAMESPACE}.${NAMESPACE}.svc`;
  const { cert, key } = await authority.issue(host);
  const labels = { app: NAMESPACE };
  const metadata = { name: NAMESPACE, namespace: NAMESPACE };
  const mounts = ['tls', 'plugin', 'freeze'].map((name) => ({ name, mountPath: `/${name}`, readOnly: true }));
  const container = {
    name: NAMESPACE,
    image,
    command: ['node', '/plugin/change-freeze.mjs'],
    env: Object.entries({ DIR: '/tls', FREEZE_FILE: '/freeze/freeze.json', RETRY_AFTER_SECONDS: '5' }).map(
      ([name, value]) => ({ name, value }),
    ),
    readinessProbe: { httpGet: { path: '/healthz', port: 8443, scheme: 'HTTPS' }, periodSeconds: 1 },
    volumeMounts: mounts,
  };
  const volumes = [
    { name: 'tls', secret: { secretName: 'tls' } },
    { name: 'plugin', configMap: { name: 'plugin' } },
    { name: 'freeze', configMap: { name: 'freeze', optional: true } },
  ];
  const template = { metadata: { labels }, spec: { containers: [container], volumes } };
  const code = await readFile(path.join(EXAMPLE, 'change-freeze.mjs'), 'utf8');
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: 'tls' },
      stringData: { 'tls.crt': cert, 'tls.key': key },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: 'plugin' },
      data: { 'change-freeze.mjs': code },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: 'freeze' },
      data: { 'freeze.json': JSON.stringify({ reason: 'until Monday' }) },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] },
    },
  ];
  for (const object of objects) await kubectl.succeed(['apply', '-f', '-'], object);
  await kubectl.succeed(['-n', NAMESPACE, 'rollout', 'status', 'deployment', NAMESPACE, '--timeout=50s']);
  const notifier = await readFile(path.join(EXAMPLE, 'in-cluster.yaml'), 'utf8');
  const registration = notifier.split('\n---\n').at(-1) ?? '';
  const caBundle = Buffer.from(authority.pem).toString('base64');
  await kubectl.succeed(['apply', '-f', '-'], registration.replace('CA_BUNDLE', caBundle));
}
