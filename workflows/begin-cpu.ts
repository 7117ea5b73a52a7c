/** How online and offline of a CPU begin: D → L(cpu) in one request. */
import type { CpuInput } from '../src/contract/device-operations.ts';
import type { DeviceOperation } from './device-operation.ts';
import type { StepArguments } from './driver.ts';
import { refused, type Ending } from './ending.ts';
import { cpuDeviceLock, deviceHotplugLock } from './locks.ts';

/** An ending means that the operation is over before it began. */
export async function beginCpu(
  operation: DeviceOperation<CpuInput>,
): Promise<(StepArguments & { readonly cpu: number }) | Ending> {
  const { cpu, withoutDeviceHotplugLock } = operation.input;
  const locks = [...(withoutDeviceHotplugLock ? [] : [deviceHotplugLock]), cpuDeviceLock(cpu)];
  const taken = await operation.take(...locks);
  if (taken.kind === 'refused') return refused(taken);
  const unseen = await operation.seeBoot();
  return unseen ?? { operation: operation.type, cpu, range: { start: 0, size: 0 } };
}
