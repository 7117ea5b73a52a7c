/**
 * One etcd and kube-apiserver for all integration tests of a mocha process, with this project's kinds installed.
 *
 * Started by the first test that asks, stopped by a root hook. Tests that share it give their objects names of their own
 * and delete them; a test that breaks the API server on purpose starts a control plane for itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startControlPlane, type ControlPlane } from '../../src/dev/start-control-plane.ts';
import { supervise } from '../../src/dev/supervise.ts';
import { CRD_DIRECTORY, KINDS } from './custom-resource-definitions.ts';
import { eventually } from './eventually.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';

export interface TestControlPlane extends ControlPlane {
  /** kubectl as the administrator. */
  readonly kubectl: Kubectl;
}

let shared: Promise<TestControlPlane> | undefined;

/** The control plane of this process. Allow 60 s when you call it first. */
export function sharedControlPlane(): Promise<TestControlPlane> {
  shared ??= startTestControlPlane();
  return shared;
}

/** One that is yours alone, for tests that kill it; `stop()` ends all of it and deletes its data. */
export async function startTestControlPlane(): Promise<TestControlPlane> {
  const tools = await acquireTools(['etcd', 'kube-apiserver', 'kubectl']);
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-control-plane-'));
  const processes = supervise({ logDirectory: path.join(directory, 'logs') });
  const stop = async (): Promise<void> => {
    await processes.stopAll();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const plane = await startControlPlane({ tools, processes, stateDirectory: path.join(directory, 'state') });
    const kubectl = createKubectl(tools.kubectl, plane.kubeconfig);
    await installKinds(kubectl);
    return { ...plane, kubectl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function installKinds(kubectl: Kubectl): Promise<void> {
  await kubectl.succeed(['apply', '-f', CRD_DIRECTORY]);
  await kubectl.succeed(['wait', '--for=condition=Established', '--timeout=30s', '-f', CRD_DIRECTORY]);
  // An established kind may not be discoverable yet; this also renews what kubectl has cached.
  const resources = ['api-resources', '--categories=memhp', '--output=name'];
  await eventually('kubectl knows our kinds', async () => {
    return (await kubectl.succeed(resources)).trim().split('\n').length === KINDS.length;
  });
}

after('stop the shared control plane', async function () {
  this.timeout(30_000);
  // Where the start failed, the test that asked has told so, and nothing runs.
  const plane = await shared?.catch(() => undefined);
  await plane?.stop();
});
