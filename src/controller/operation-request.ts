/** The arguments of an operation on one MemoryBlock, from its spec and its node's block size. */
import type { DeadOperation, RecoveryRequest } from '../contract/dead-operation.ts';
import type { BlockReference, OperationMemo, OperationRequest } from '../contract/operations.ts';
import type { MemoryBlock } from '../contract/resources.ts';
import { isOnlineType, type OperationType } from '../kernel/memory-block.ts';

export interface OperationPolicy {
  /** Of the fleet; unset: no limit. */
  readonly maxConcurrentOfflines?: number;
}

export function operationRequest(
  type: OperationType,
  cluster: string,
  block: MemoryBlock,
  blockSizeBytes: number,
  { maxConcurrentOfflines }: OperationPolicy = {},
): OperationRequest {
  const { spec } = block;
  const base = {
    cluster,
    node: spec.nodeName,
    block: blockReference(block),
    lockTimeoutMs: spec.lockTimeoutSeconds * 1000,
  };
  const range = { start: spec.blockId * blockSizeBytes, size: blockSizeBytes };
  switch (type) {
    case 'add': {
      const { numaNode } = spec;
      return { type, input: { ...base, range, ...(numaNode === undefined ? {} : { numaNode }) } };
    }
    case 'online': {
      const onlineType = spec.state && isOnlineType(spec.state) ? spec.state : 'online';
      return { type, input: { ...base, blockId: spec.blockId, onlineType } };
    }
    case 'offline':
      return {
        type,
        input: {
          ...base,
          blockId: spec.blockId,
          offlineTimeoutMs: spec.offlineTimeoutSeconds * 1000,
          ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
        },
      };
    case 'remove':
      return { type, input: { ...base, range } };
  }
}

/** For the generation that the dead operation was started for: what is recorded is its outcome. */
export function recoveryRequest(cluster: string, block: MemoryBlock, dead: DeadOperation): RecoveryRequest {
  const { nodeName, blockId, lockTimeoutSeconds } = block.spec;
  const reference = blockReference(block);
  const { generation = reference.generation } = block.status?.operation ?? {};
  const lockTimeoutMs = lockTimeoutSeconds * 1000;
  const input = { cluster, node: nodeName, block: { ...reference, generation }, lockTimeoutMs, blockId, dead };
  return { type: 'recover', input };
}

/** Of a recovery: type and generation are those of the operation that died. */
export function operationMemo({ type, input }: OperationRequest | RecoveryRequest): OperationMemo {
  return {
    type: type === 'recover' ? input.dead.type : type,
    ...(input.block ? { uid: input.block.uid, generation: input.block.generation } : {}),
    ...(type === 'recover' ? { recovers: input.dead.runId } : {}),
  };
}

function blockReference({ metadata }: MemoryBlock): BlockReference {
  return { name: metadata.name, uid: metadata.uid ?? '', generation: metadata.generation ?? 0 };
}
