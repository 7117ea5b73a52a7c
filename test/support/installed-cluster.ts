/**
 * An API server with the manifests of deploy/ on it, and callers that are who the pods would be: tokens come from the server's
 * own TokenRequest, bound to pods on nodes. No kubelet and no controllers, so nothing runs; PodSecurity, ServiceAccount and the
 * admission policies are in force, and every request of our service accounts is in the audit log.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';
import { parse, stringify } from 'yaml';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startControlPlane, type ControlPlane } from '../../src/dev/start-control-plane.ts';
import { supervise, type ProcessGroup } from '../../src/dev/supervise.ts';
import { legacyToken } from './legacy-token.ts';
import { createKubectl, type Kubectl, type KubectlResult } from './kubectl.ts';
import type { Manifest, Workload } from './manifests.ts';
import { REPOSITORY } from './run-command.ts';

export const NAMESPACE = 'memhp-system';
/** All that there is in deploy/, side by side. */
export const EVERYTHING = 'test/deploy/everything';
const AUDIT_POLICY = path.join(REPOSITORY, 'test/deploy/audit-policy.yaml');

/** Where startControlPlane keeps the key that the API server signs the tokens of service accounts with. */
const SIGNING_KEY = 'state/certificates/service-account-signing-key-file.pem';

/** What the tests look at of an event of audit.k8s.io/v1. */
export interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly message?: string };
}

let shared: Promise<InstalledCluster> | undefined;

/** One with all of test/deploy/everything on it, for tests that only ask. Allow 60 s when you call it first. */
export function sharedInstalledCluster(): Promise<InstalledCluster> {
  shared ??= InstalledCluster.open().then(async (cluster) => {
    await cluster.succeedInstalling(EVERYTHING);
    return cluster;
  });
  return shared;
}

after('stop the shared cluster with the manifests', async function () {
  this.timeout(30_000);
  // Where the start failed, the test that asked has told so, and nothing runs.
  const cluster = await shared?.catch(() => undefined);
  await cluster?.close();
});

export class InstalledCluster {
  readonly controlPlane: ControlPlane;
  readonly processes: ProcessGroup;
  /** As the administrator. */
  readonly kubectl: Kubectl;
  readonly directory: string;
  #kubeconfigs = 0;

  private constructor(parts: Pick<InstalledCluster, 'controlPlane' | 'processes' | 'kubectl' | 'directory'>) {
    this.controlPlane = parts.controlPlane;
    this.processes = parts.processes;
    this.kubectl = parts.kubectl;
    this.directory = parts.directory;
  }

  /** An API server with nothing of ours on it. Allow 60 s. */
  static async open(): Promise<InstalledCluster> {
    const tools = await acquireTools(['etcd', 'kube-apiserver', 'kubectl']);
    const directory = await mkdtemp(path.join(tmpdir(), 'memhp-deploy-'));
    const processes = supervise({ logDirectory: path.join(directory, 'logs') });
    try {
      const controlPlane = await startControlPlane({
        tools,
        processes,
        stateDirectory: path.join(directory, 'state'),
        apiServerFlags: {
          'disable-admission-plugins': '',
          'audit-policy-file': AUDIT_POLICY,
          'audit-log-path': path.join(directory, 'audit.jsonl'),
        },
      });
      const kubectl = createKubectl(tools.kubectl, controlPlane.kubeconfig);
      return new InstalledCluster({ controlPlane, processes, kubectl, directory });
    } catch (error) {
      await processes.stopAll();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.processes.stopAll();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** `kubectl apply -k` of a directory below the repository's root, and the service account that a controller adds to a namespace. */
  async install(directory: string): Promise<KubectlResult> {
    const result = await this.kubectl.run(['apply', '-k', path.join(REPOSITORY, directory)]);
    if (result.status === 0) {
      const metadata = { name: 'default', namespace: NAMESPACE };
      await this.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    }
    return result;
  }

  async succeedInstalling(directory: string): Promise<void> {
    const { status, stderr } = await this.install(directory);
    if (status !== 0) throw new Error(`${directory} was not accepted: ${stderr}`);
  }

  /** A Node as a kubelet would register it. */
  async addNode(name: string, capacity: Readonly<Record<string, string>> = { memory: '8Gi' }): Promise<void> {
    await this.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    const status = JSON.stringify({ status: { capacity, allocatable: capacity } });
    await this.kubectl.succeed(['patch', `node/${name}`, '--subresource=status', '--type=merge', '-p', status]);
  }

  /** A kubeconfig with the token that a pod of `workload` gets on `node`. */
  async asPodOf(workload: Workload, node: string): Promise<string> {
    const pod = podOf(workload, node);
    const { name } = pod.metadata;
    await this.kubectl.succeed(['apply', '-f', '-'], pod);
    const uid = await this.kubectl.succeed(['get', 'pod', name, '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}']);
    const bound = [`--bound-object-kind=Pod`, `--bound-object-name=${name}`, `--bound-object-uid=${uid}`];
    return this.#asToken(workload.spec.template.spec.serviceAccountName ?? 'default', bound);
  }

  /** A kubeconfig with a token that is bound to no pod: `kubectl create token`. */
  asServiceAccount(name: string): Promise<string> {
    return this.#asToken(name, []);
  }

  /** A kubeconfig with the token of a Secret of type `kubernetes.io/service-account-token`, which never expires. */
  async asLegacyToken(serviceAccount: string): Promise<string> {
    const secret = `${serviceAccount}-legacy`;
    const account = ['get', 'serviceaccount', serviceAccount, '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}'];
    const uid = await this.kubectl.succeed(account);
    const keyPem = await readFile(path.join(this.directory, SIGNING_KEY), 'utf8');
    const token = legacyToken({ namespace: NAMESPACE, serviceAccount, uid, secret, keyPem });
    const annotations = { 'kubernetes.io/service-account.name': serviceAccount };
    await this.kubectl.succeed(['apply', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: secret, namespace: NAMESPACE, annotations },
      stringData: { token },
    });
    return this.#asBearer(token);
  }

  async #asToken(serviceAccount: string, bound: readonly string[]): Promise<string> {
    const token = await this.kubectl.succeed(['create', 'token', serviceAccount, '-n', NAMESPACE, ...bound]);
    return this.#asBearer(token.trim());
  }

  async #asBearer(token: string): Promise<string> {
    const config = parse(await readFile(this.controlPlane.kubeconfig, 'utf8')) as { users: { user: object }[] };
    for (const entry of config.users) entry.user = { token };
    const file = path.join(this.directory, `kubeconfig-${String(++this.#kubeconfigs)}`);
    await writeFile(file, stringify(config), { mode: 0o600 });
    return file;
  }

  /** Requests of our service accounts, as far as the server has written them down. */
  async audited(): Promise<readonly AuditEvent[]> {
    const file = path.join(this.directory, 'audit.jsonl');
    if (!existsSync(file)) return [];
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as AuditEvent);
  }
}

/** A pod as the workload's controller would make it and the scheduler place it. */
export function podOf({ metadata, spec: { template } }: Workload, node: string): Manifest {
  const name = `${metadata.name}-${node}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name, namespace: NAMESPACE },
    spec: { ...template.spec, nodeName: node },
  };
}
