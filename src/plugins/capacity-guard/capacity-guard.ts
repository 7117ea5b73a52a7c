/**
 * capacity-guard: no memory goes that pods have been promised.
 *
 * Vetoes MEM_GOING_OFFLINE (EBUSY, Deferred) when the memory requests of the node's pods would no longer fit into the
 * rest, and names the pods, largest first. Everything else is none of its business (NOTIFY_DONE). A node without a Node
 * object is measured by its NodeMemory.
 *
 *     plugin: { name: capacity-guard, config: { reserve: 1Gi } }
 */
import { parseBytes } from '../../contract/quantity.ts';
import { definePlugin, done } from '../define-plugin.ts';
import { decideOffline } from './headroom.ts';

export interface CapacityGuardConfig {
  /** Quantity that must stay free on top of all requests; 0 when unset. */
  readonly reserve?: string;
}

export const plugin = definePlugin<CapacityGuardConfig>({
  name: 'capacity-guard',
  description: 'Vetoes taking memory offline that the requests of the pods on the node still need.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      reserve: { type: 'string', maxLength: 32, pattern: '^\\d+(\\.\\d+)?([KMGTP]i|[kMGTP]|)$' },
    },
  },
  async notify(event, config, { cluster }) {
    if (event.action !== 'MEM_GOING_OFFLINE') return done();
    const [node, onlineBytes, pods] = await Promise.all([
      cluster.node(event.node),
      cluster.nodeMemoryOnlineBytes(event.node),
      cluster.podsOnNode(event.node),
    ]);
    return decideOffline({
      nodeName: event.node,
      blockId: event.blockId,
      sizeBytes: event.sizeBytes,
      reserveBytes: parseBytes(config.reserve ?? '0'),
      ...(node && { node }),
      ...(onlineBytes !== undefined && { onlineBytes }),
      pods,
    });
  },
});
