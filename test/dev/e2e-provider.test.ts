import assert from 'node:assert/strict';
import { chooseE2eProvider } from '../support/start-e2e-cluster.ts';

describe('the provider of the cluster for end-to-end tests', () => {
  const choose = (env: Record<string, string>) => chooseE2eProvider(() => undefined, env);

  it('is an existing cluster only for who says so, and says which', async () => {
    const KUBECONFIG = '/home/user/.kube/config';
    assert.deepEqual(await choose({ MEMHP_E2E_PROVIDER: 'existing', KUBECONFIG }), { provider: 'existing' });
    const { missing } = await choose({ MEMHP_E2E_PROVIDER: 'existing' });
    assert.match(missing ?? '', /KUBECONFIG is unset/);
  });

  it('is refused when there is none of that name', async () => {
    await assert.rejects(choose({ MEMHP_E2E_PROVIDER: 'minikube' }), /minikube; it may be local, kind, existing/);
  });
});
