/** MemoryBlocks, NodeMemories and notifiers as the API server would return them, with only what a test cares about. */
import { FINALIZER } from '../../src/contract/names.ts';
import type {
  DriverCapabilities,
  MemoryBlock,
  MemoryBlockSpec,
  MemoryBlockStatus,
  MemoryNotifier,
  MemoryNotifierSpec,
  NodeMemory,
  ObjectMeta,
} from '../../src/contract/resources.ts';

export const NODE = 'worker-1';
export const BOOT = 'boot-1';
export const CLUSTER = 'c0ffee00';
export const ALL_CAPABILITIES: DriverCapabilities = { add: true, remove: true, online: true, offline: true };

export function blockOf(
  spec: Partial<MemoryBlockSpec> = {},
  status: MemoryBlockStatus = {},
  metadata: Partial<ObjectMeta> = {},
): MemoryBlock {
  const blockId = spec.blockId ?? 32;
  const finalizers = spec.deletionPolicy === 'Remove' ? [FINALIZER] : [];
  return {
    metadata: {
      name: `${NODE}-memory${String(blockId)}`,
      uid: `uid-${String(blockId)}`,
      resourceVersion: '1',
      generation: 1,
      finalizers,
      ...metadata,
    },
    spec: {
      nodeName: NODE,
      blockId,
      deletionPolicy: 'Retain',
      driftPolicy: 'Report',
      offlineTimeoutSeconds: 300,
      lockTimeoutSeconds: 300,
      ...spec,
    },
    status: { ...(status.state === undefined ? {} : { bootId: BOOT }), ...status },
  };
}

export function nodeMemoryOf(
  capabilities: DriverCapabilities = ALL_CAPABILITIES,
  bootId = BOOT,
  metadata: Partial<ObjectMeta> = {},
): NodeMemory {
  return {
    metadata: { name: NODE, uid: 'uid-node-memory', ...metadata },
    spec: {},
    status: { driver: 'simulated', capabilities, blockSize: '128Mi', bootId },
  };
}

export function notifierOf(
  name: string,
  spec: Partial<MemoryNotifierSpec> = {},
  metadata: Partial<ObjectMeta> = {},
): MemoryNotifier {
  return {
    metadata: { name, uid: `uid-${name}`, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: { priority: 0, failurePolicy: 'Fail', timeoutSeconds: 10, plugin: { name }, ...spec },
  };
}
