import type { LeaseWriteResult, NodeLease, NodeLeases } from '../../../src/plugins/node-leases.ts';

/** Leases kept as an API server keeps them: each write a new version, none over a version that was not read. */
export class StoredLeases implements NodeLeases {
  readonly namespaces = new Set(['medik8s-leases']);
  /** Runs before a write is looked at: where somebody else is faster. */
  beforeWrite: () => void = () => undefined;
  readonly #leases = new Map<string, NodeLease>();
  #version = 0;

  read(namespace: string, node: string): Promise<NodeLease | undefined> {
    return Promise.resolve(this.get(node, namespace));
  }

  write(lease: NodeLease, isDryRun: boolean): Promise<LeaseWriteResult> {
    this.beforeWrite();
    const stored = this.get(lease.node, lease.namespace);
    if (stored?.version !== lease.version) return Promise.resolve('conflict');
    if (!this.namespaces.has(lease.namespace)) return Promise.resolve('no-namespace');
    if (!isDryRun) this.set(lease);
    return Promise.resolve('written');
  }

  get(node: string, namespace = 'medik8s-leases'): NodeLease | undefined {
    return this.#leases.get(`${namespace}/${node}`);
  }

  set(lease: Omit<NodeLease, 'version'>): void {
    this.#leases.set(`${lease.namespace}/${lease.node}`, { ...lease, version: String(++this.#version) });
  }
}
