/**
 * node-lease: nobody reboots or drains the node in the middle of a memory operation, and no memory operation begins while
 * somebody does.
 *
 * The GOING actions take the Lease that the medik8s operators (node health checks, remediation, maintenance) take of a
 * node before they touch it; what follows gives it back. While another holds it: veto (EBUSY, Deferred) with the holder's
 * name.
 *
 *     plugin: { name: node-lease, config: { leaseDurationSeconds: 7200 } }
 */
import { isVetoable } from '../../kernel/memory-action.ts';
import { definePlugin, done, veto } from '../define-plugin.ts';
import { leaseStep } from './lease-step.ts';

export interface NodeLeaseConfig {
  /** Where the Leases are, not one of the system's; `medik8s-leases` when unset. */
  readonly namespace?: string;
  /** As whom to hold them; `memory-hotplug-operator` when unset. */
  readonly holderIdentity?: string;
  /** Longer than the longest operation; 3600 when unset. */
  readonly leaseDurationSeconds?: number;
}

/** Each further try means that somebody else wrote between our reading and our writing. */
const TRIES_MAX = 3;

export const plugin = definePlugin<NodeLeaseConfig>({
  name: 'node-lease',
  description: 'Holds the medik8s Lease of the node during an operation, and vetoes while somebody else holds it.',
  uses: ['leases'],
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      namespace: { type: 'string', maxLength: 63, pattern: '^(?!kube-)[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
      holderIdentity: { type: 'string', minLength: 1, maxLength: 128 },
      leaseDurationSeconds: { type: 'integer', minimum: 60, maximum: 86_400 },
    },
  },
  async notify(event, config, { leases }) {
    const terms = {
      namespace: config.namespace ?? 'medik8s-leases',
      holder: config.holderIdentity ?? 'memory-hotplug-operator',
      durationSeconds: config.leaseDurationSeconds ?? 3600,
    };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const step = leaseStep(await leases.read(terms.namespace, event.node), event, terms, Date.now());
      if (step.kind === 'answer') return step.answer;
      const result = await leases.write(step.lease, event.dryRun);
      if (result === 'written') return step.answer;
      if (result === 'no-namespace') return withoutNamespace(terms.namespace);
    }
    const reason = `the Lease of ${event.node} in ${terms.namespace} changes faster than it can be written`;
    return isVetoable(event.action) ? veto('EBUSY', reason, { outlook: 'Deferred' }) : done(reason);
  },
});

function withoutNamespace(namespace: string) {
  return veto(
    'ENOENT',
    `there is no namespace ${namespace} for the Leases of nodes; create it (kubectl create namespace ${namespace}), ` +
      'or name the one that your remediation operators use in spec.plugin.config.namespace',
    { outlook: 'Deferred' },
  );
}
