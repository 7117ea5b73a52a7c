/** The end-to-end tests take away what they find of ours: they must not begin where somebody uses it. */
import assert from 'node:assert/strict';
import { openExistingCluster } from '../support/existing-cluster.ts';
import { InstalledCluster } from '../support/installed-cluster.ts';

describe('an existing cluster for end-to-end tests', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;
  const said: string[] = [];
  const open = () =>
    openExistingCluster({
      kubeconfig: cluster.controlPlane.kubeconfig,
      images: [],
      log: (line) => said.push(line),
    });

  before(async () => {
    cluster = await InstalledCluster.open();
  });
  after(() => cluster.close());

  it('is named before anything is done to it', async () => {
    await open();
    assert.match(said.join(), new RegExp(`context \\S+, ${cluster.controlPlane.server}`));
  });

  it('is refused when it has our namespace, or a CRD of ours', async () => {
    await cluster.kubectl.succeed(['create', 'namespace', 'memhp-system']);
    await assert.rejects(open(), /has namespace\/memhp-system: .* uninstall first/);
    await cluster.kubectl.succeed(['apply', '-f', 'crds/memoryblocks.yaml']);
    await assert.rejects(
      open(),
      /namespace\/memhp-system, customresourcedefinition\S+\/memoryblocks\.memoryhotplug\.io/,
    );
  });
});
