/** What kustomize makes of deploy/, parsed. */
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Kubectl } from './kubectl.ts';
import { REPOSITORY } from './run-command.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

/** What the tests look at of a container. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly object[];
  readonly securityContext: SecurityContext & {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: object;
    readonly privileged?: boolean;
  };
  readonly resources: {
    readonly requests: { readonly memory?: string };
    readonly limits: { readonly memory?: string };
  };
  readonly startupProbe?: object;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface SecurityContext {
  readonly seccompProfile?: { readonly type: string };
}

interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string };
  readonly secret?: { readonly secretName: string };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: SecurityContext;
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
}

/** A Deployment, a DaemonSet, or a Job. */
export interface Workload extends Manifest {
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: PodSpec } };
}

/** `deploy/overlays/dev`: a path below the repository's root. */
export function kustomizationPath(directory: string): string {
  return path.join(REPOSITORY, directory);
}

export async function readManifests(kubectl: Kubectl, directory: string): Promise<readonly Manifest[]> {
  const documents = parseAllDocuments(await kubectl.succeed(['kustomize', kustomizationPath(directory)]));
  return documents.map((document) => document.toJS() as Manifest);
}

/** Throws when there is none. */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** Throws when there is none. */
export function findWorkload(manifests: readonly Manifest[], name: string): Workload {
  const found = workloads(manifests).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no Deployment or DaemonSet ${name}`);
  return found;
}

export function workloads(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet') as Workload[];
}
