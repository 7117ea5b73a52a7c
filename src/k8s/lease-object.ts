/** A node's Lease as the API server stores it (coordination.k8s.io/v1), to and from plain data. */
import { LEASE_OPERATION_ANNOTATION, OPERATOR_FIELD_MANAGER } from '../contract/names.ts';
import { NODES } from './resource-kind.ts';
import type { LeaseOperation, NodeLease } from '../plugins/node-leases.ts';

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

type OrNull<T> = { readonly [Key in keyof T]?: T[Key] | null };

/** On a Lease that no Node can own, so that it is known again; the simulated driver needs no Node. */
export const LEASE_LABELS = { 'app.kubernetes.io/managed-by': OPERATOR_FIELD_MANAGER };

/** The part of it that this project reads and writes. Null: not set, and in a merge patch: remove. */
export interface LeaseObject {
  readonly metadata: OrNull<{
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string | null>>;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly OwnerReference[];
  }>;
  readonly spec?: OrNull<{
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly acquireTime: string;
    readonly renewTime: string;
    readonly leaseTransitions: number;
  }>;
}

/**
 * Whether it is the Lease of `node`, and not one that something else, a kubelet or a leader election, happens to have called
 * `node-<node>`. medik8s makes the Node its owner at every write, and so does this project where there is a Node.
 */
export function isLeaseOf(node: string, { metadata }: LeaseObject): boolean {
  const isOwner = ({ apiVersion, kind, name }: OwnerReference): boolean =>
    apiVersion === NODES.apiVersion && kind === NODES.kind && name === node;
  const isOurs = Object.entries(LEASE_LABELS).every(([label, value]) => metadata.labels?.[label] === value);
  return isOurs || (metadata.ownerReferences ?? []).some(isOwner);
}

export function parseLease(namespace: string, node: string, { metadata, spec }: LeaseObject): NodeLease {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = spec ?? {};
  const operation = parseOperation(metadata.annotations?.[LEASE_OPERATION_ANNOTATION]);
  return {
    namespace,
    node,
    version: metadata.resourceVersion ?? '',
    ...(holderIdentity && { holder: holderIdentity }), // leader elections give back by writing ''
    ...(leaseDurationSeconds && { durationSeconds: leaseDurationSeconds }),
    ...(acquireTime && { acquireMs: Date.parse(acquireTime) }),
    ...(renewTime && { renewMs: Date.parse(renewTime) }),
    transitions: leaseTransitions ?? 0,
    ...(operation && { operation }),
  };
}

export function leaseObject(lease: NodeLease): LeaseObject {
  const { version, holder, durationSeconds, acquireMs, renewMs, transitions, operation } = lease;
  return {
    metadata: {
      ...(version !== undefined && { resourceVersion: version }),
      annotations: { [LEASE_OPERATION_ANNOTATION]: operation ? JSON.stringify(operation) : null },
    },
    spec: {
      holderIdentity: holder ?? null,
      leaseDurationSeconds: durationSeconds ?? null,
      acquireTime: microTime(acquireMs),
      renewTime: microTime(renewMs),
      leaseTransitions: transitions,
    },
  };
}

/** metav1.MicroTime takes exactly six digits. */
function microTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString().replace('Z', '000Z');
}

/** Undefined for what this project has not written: anybody can edit an annotation. */
function parseOperation(text: string | null | undefined): LeaseOperation | undefined {
  try {
    const parsed = JSON.parse(text ?? 'null') as Partial<Record<keyof LeaseOperation, unknown>> | null;
    const { workflowId, runId, token } = parsed ?? {};
    if (typeof workflowId !== 'string' || typeof runId !== 'string' || typeof token !== 'number') return undefined;
    return { workflowId, runId, token };
  } catch {
    return undefined;
  }
}
