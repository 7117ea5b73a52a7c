/** Starts operations on CPUs and device memory on an operation stage, directly, as users do. */
import { randomUUID } from 'node:crypto';
import {
  DEVICE_WORKFLOW,
  type CpuInput,
  type DeviceMemoryInput,
  type DeviceOutcome,
} from '../../src/contract/device-operations.ts';
import { operationsTaskQueue } from '../../src/contract/names.ts';
import type { OperationStage } from './operation-stage.ts';

export type DeviceRequest =
  | { readonly type: 'online-cpu' | 'offline-cpu'; readonly input: CpuInput }
  | { readonly type: 'add-device' | 'remove-device'; readonly input: DeviceMemoryInput };

export interface RunningDeviceOperation {
  readonly workflowId: string;
  readonly runId: string;
  result(): Promise<DeviceOutcome>;
}

export async function startDeviceOperation(
  { client, cluster }: OperationStage,
  { type, input }: DeviceRequest,
): Promise<RunningDeviceOperation> {
  const workflowId = `${cluster}/direct/${type}/${randomUUID().slice(0, 8)}`;
  const taskQueue = operationsTaskQueue(cluster);
  const handle = await client.workflow.start(DEVICE_WORKFLOW[type], { workflowId, taskQueue, args: [input] });
  const runId = handle.firstExecutionRunId;
  return { workflowId, runId, result: () => handle.result() as Promise<DeviceOutcome> };
}
