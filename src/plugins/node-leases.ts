/**
 * The one thing that a plugin may write through the operator: the Lease of a node by which those who reboot, drain and
 * remediate nodes keep out of each other's way. Named and owned as medik8s does (github.com/medik8s/common, pkg/lease):
 * `node-<name of the node>`, owned by the Node. A Lease of that name that belongs to something else can be neither read nor
 * written from here, so that no plugin can touch what kubelets and leader elections live on. A plugin's thread is served for
 * the nodes that it is being asked about, outside of the system's namespaces; the rest is what the operator's service
 * account may.
 */

export interface NodeLease {
  readonly namespace: string;
  readonly node: string;
  /** resourceVersion that was read. Unset: there is no Lease yet. */
  readonly version?: string;
  /** `holderIdentity`; unset: nobody. */
  readonly holder?: string;
  readonly durationSeconds?: number;
  /** Since the epoch, as all times here. */
  readonly acquireMs?: number;
  readonly renewMs?: number;
  /** How often it went from one holder to another. */
  readonly transitions: number;
  /** On whose behalf this project holds it. */
  readonly operation?: LeaseOperation;
}

export interface LeaseOperation {
  readonly workflowId: string;
  readonly runId: string;
  /** Of `device_hotplug_lock`: of two operations on a node the later one has the larger. */
  readonly token: number;
}

/** `conflict`: it is not as it was read; read again. `no-namespace`: nothing can be created there. */
export type LeaseWriteResult = 'written' | 'conflict' | 'no-namespace';

/**
 * All methods reject with an Error when the API server refuses or gives no answer, and when the Lease of that name is not the
 * node's: no Node of the name owns it, and this project has not made it.
 */
export interface NodeLeases {
  /** Undefined when there is no such Lease, or no such namespace. */
  read(namespace: string, node: string): Promise<NodeLease | undefined>;
  /**
   * Writes `lease` if the stored one is still the version that it names: what is unset is removed, and what other fields,
   * labels and annotations there are stays. `isDryRun`: the API server checks it all and stores nothing.
   */
  write(lease: NodeLease, isDryRun: boolean): Promise<LeaseWriteResult>;
}

/** For a plugin that has no Leases: says why. */
export function noLeases(why: string): NodeLeases {
  const refuse = (): Promise<never> => Promise.reject(new Error(why));
  return { read: refuse, write: refuse };
}
