/** All that RBAC grants to each service account, and nothing more: asked verb by verb of the API server's own authorizer. */
import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { NAMESPACE, sharedInstalledCluster, type InstalledCluster } from '../support/installed-cluster.ts';

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

interface Asked {
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

const OURS = { group: 'memoryhotplug.io' };

/** What is asked about, by the name that it has below. Besides ours: what would give a way to more rights, or to secrets. */
const RESOURCES: Readonly<Record<string, Asked>> = {
  memoryblocks: { ...OURS, resource: 'memoryblocks' },
  'memoryblocks/status': { ...OURS, resource: 'memoryblocks', subresource: 'status' },
  nodememories: { ...OURS, resource: 'nodememories' },
  'nodememories/status': { ...OURS, resource: 'nodememories', subresource: 'status' },
  memorynotifiers: { ...OURS, resource: 'memorynotifiers' },
  'memorynotifiers/status': { ...OURS, resource: 'memorynotifiers', subresource: 'status' },
  nodes: { resource: 'nodes' },
  'nodes/status': { resource: 'nodes', subresource: 'status' },
  'nodes/proxy': { resource: 'nodes', subresource: 'proxy' },
  pods: { resource: 'pods' },
  'pods/exec': { resource: 'pods', subresource: 'exec' },
  'pods of its namespace': { resource: 'pods', namespace: NAMESPACE },
  secrets: { resource: 'secrets', namespace: NAMESPACE },
  configmaps: { resource: 'configmaps', namespace: NAMESPACE },
  'serviceaccounts/token': { resource: 'serviceaccounts', subresource: 'token', namespace: NAMESPACE },
  namespaces: { resource: 'namespaces' },
  'namespace kube-system': { resource: 'namespaces', name: 'kube-system', namespace: 'kube-system' },
  'namespace memhp-system': { resource: 'namespaces', name: NAMESPACE, namespace: NAMESPACE },
  customresourcedefinitions: { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  'CRD of memoryblocks': {
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    name: 'memoryblocks.memoryhotplug.io',
  },
  'events in default': { group: 'events.k8s.io', resource: 'events', namespace: 'default' },
  'events in kube-system': { group: 'events.k8s.io', resource: 'events', namespace: 'kube-system' },
  'leases in medik8s-leases': { group: 'coordination.k8s.io', resource: 'leases', namespace: 'medik8s-leases' },
  'leases in kube-node-lease': { group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-node-lease' },
  validatingadmissionpolicies: { group: 'admissionregistration.k8s.io', resource: 'validatingadmissionpolicies' },
  validatingadmissionpolicybindings: {
    group: 'admissionregistration.k8s.io',
    resource: 'validatingadmissionpolicybindings',
  },
  clusterroles: { group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  clusterrolebindings: { group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
};

const AGENT = {
  memoryblocks: 'list watch',
  'memoryblocks/status': 'patch',
  nodememories: 'get list watch create',
  'nodememories/status': 'patch',
  nodes: 'get',
  'namespace kube-system': 'get',
};

/** Verbs by resource; what is not named is not granted. */
const GRANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'memhp-operator': {
    memoryblocks: 'get list watch create patch',
    'memoryblocks/status': 'patch',
    nodememories: 'get list watch',
    'nodememories/status': 'patch',
    memorynotifiers: 'list watch',
    'memorynotifiers/status': 'patch',
    nodes: 'get list watch',
    pods: 'list',
    'pods of its namespace': 'list',
    'namespace kube-system': 'get',
    'CRD of memoryblocks': 'get',
    'events in default': 'create',
    'leases in medik8s-leases': 'get create patch',
  },
  'memhp-agent': AGENT,
  'memhp-simulated-agent': AGENT,
};

describe('what RBAC grants', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;
  let administrator: KubeConfig;

  before(async () => {
    cluster = await sharedInstalledCluster();
    administrator = loadKubeConfig({ kubeconfig: cluster.controlPlane.kubeconfig });
  });

  for (const [account, granted] of Object.entries(GRANTED)) {
    it(`to ${account}`, async () => {
      const seen: Record<string, string> = {};
      for (const [title, asked] of Object.entries(RESOURCES)) {
        const answers = await Promise.all(VERBS.map((verb) => isAllowed(administrator, account, { ...asked, verb })));
        const allowed = VERBS.filter((_, index) => answers[index]).join(' ');
        if (allowed !== '') seen[title] = allowed;
      }
      assert.deepEqual(seen, granted);
    });
  }

  /** The controller that fills the built-in roles does not run here; this is what it goes by. */
  it('to people, by the built-in roles view, edit and admin', async () => {
    const roles = JSON.parse(await cluster.kubectl.succeed(['get', 'clusterroles', '-o', 'json'])) as {
      items: {
        metadata: { name: string; labels?: Record<string, string> };
        aggregationRule?: { clusterRoleSelectors: { matchLabels: Record<string, string> }[] };
      }[];
    };
    const aggregated = (name: string): readonly string[] => {
      const rule = roles.items.find(({ metadata }) => metadata.name === name)?.aggregationRule;
      const selectors = (rule?.clusterRoleSelectors ?? []).map(({ matchLabels }) => Object.entries(matchLabels));
      return roles.items
        .filter(({ metadata }) => metadata.name.startsWith('memhp-'))
        .filter(({ metadata: { labels = {} } }) =>
          selectors.some((pairs) => pairs.every(([key, value]) => labels[key] === value)),
        )
        .map(({ metadata }) => metadata.name);
    };
    assert.deepEqual(aggregated('view'), ['memhp-view']);
    assert.deepEqual(aggregated('edit'), ['memhp-edit', 'memhp-view']);
    assert.deepEqual(aggregated('admin'), ['memhp-admin', 'memhp-edit', 'memhp-view']);
  });
});

async function isAllowed(as: KubeConfig, account: string, asked: Asked & { verb: string }): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${NAMESPACE}:${account}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
      resourceAttributes: asked,
    },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const answer = (await apiRequest(as, { method: 'POST', path, body: review })) as { status: { allowed: boolean } };
  return answer.status.allowed;
}
