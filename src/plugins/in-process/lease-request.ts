/** One call of `NodeLeases`, as a plugin's thread asks for it and the main thread answers it. */
import type { NodeLease, NodeLeases } from '../node-leases.ts';

export type LeaseRequest =
  | { readonly method: 'read'; readonly namespace: string; readonly node: string }
  | { readonly method: 'write'; readonly lease: NodeLease; readonly isDryRun: boolean };

type LeasePlace = Pick<NodeLease, 'namespace' | 'node'>;

/** An object name of Kubernetes: a DNS subdomain at most. */
const objectName = { type: 'string', minLength: 1, maxLength: 253 } as const;
/** Longer than a workflow id (1000), a holder or a resourceVersion gets. */
const text = { type: 'string', maxLength: 1_024 } as const;
const count = { type: 'integer', minimum: 0 } as const;

const LEASE = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'node', 'transitions'],
  properties: {
    namespace: objectName,
    node: objectName,
    version: text,
    holder: text,
    durationSeconds: { type: 'integer', minimum: 1 },
    acquireMs: count,
    renewMs: count,
    transitions: count,
    operation: {
      type: 'object',
      additionalProperties: false,
      required: ['workflowId', 'runId', 'token'],
      properties: { workflowId: text, runId: text, token: count },
    },
  },
} as const;

/** JSON schema of a LeaseRequest. */
export const LEASE_REQUEST = {
  type: 'object',
  discriminator: { propertyName: 'method' },
  required: ['method'],
  oneOf: [
    {
      properties: { method: { const: 'read' }, namespace: objectName, node: objectName },
      required: ['namespace', 'node'],
    },
    {
      properties: { method: { const: 'write' }, lease: LEASE, isDryRun: { type: 'boolean' } },
      required: ['lease', 'isDryRun'],
    },
  ],
} as const;

/** A DNS label, since it becomes part of a path. */
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** Kubernetes keeps names that begin so for itself; in kube-node-lease is what the kubelets live on. */
const SYSTEM_PREFIX = 'kube-';

/** `nodes`: those that the plugin is being asked about now. Rejects, with why, what goes beyond. */
export async function serveLeaseRequest(
  leases: NodeLeases,
  request: LeaseRequest,
  nodes: ReadonlySet<string>,
): Promise<unknown> {
  const refusal = whyRefused(placeOf(request), nodes);
  if (refusal !== undefined) throw new Error(refusal);
  return request.method === 'read'
    ? leases.read(request.namespace, request.node)
    : leases.write(request.lease, request.isDryRun);
}

function whyRefused({ namespace, node }: LeasePlace, nodes: ReadonlySet<string>): string | undefined {
  if (!NAMESPACE.test(namespace)) return 'that is no name of a namespace';
  if (namespace.startsWith(SYSTEM_PREFIX)) {
    return 'what is in the namespaces kube-… keeps the cluster itself alive; use another, such as medik8s-leases';
  }
  if (!nodes.has(node)) return 'a plugin may use the Lease of a node only while it is asked about that node';
  return undefined;
}

/** For the message of an error. */
export function describeLeaseRequest(request: LeaseRequest): string {
  const { namespace, node } = placeOf(request);
  return `${request.method === 'read' ? 'reading' : 'writing'} the Lease of ${node} in ${namespace}`;
}

function placeOf(request: LeaseRequest): LeasePlace {
  return request.method === 'read' ? request : request.lease;
}
