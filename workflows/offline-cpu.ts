/** `device_offline()` of a CPU: mirrors drivers/base/cpu.c and kernel/cpu.c `cpu_down()`, v6.12. */
import type { CpuInput, DeviceOutcome } from '../src/contract/device-operations.ts';
import { beginCpu } from './begin-cpu.ts';
import { DeviceOperation } from './device-operation.ts';
import { driverFailed, type Ending } from './ending.ts';

/** D → L(cpu) → the CPU → drop L, D. Never takes mem_hotplug_lock. */
export async function offlineCpu(input: CpuInput): Promise<DeviceOutcome> {
  return new DeviceOperation('offline-cpu', input, `cpu${String(input.cpu)}`).run(offline);
}

async function offline(operation: DeviceOperation<CpuInput>): Promise<Ending> {
  const args = await beginCpu(operation);
  if ('result' in args) return args;
  const down = await operation.driver.step('commit', args);
  if (!down.ok) return driverFailed(down);
  const what = `cpu${String(args.cpu)}`;
  if (down.noop) return { result: 'Succeeded', noop: true, message: `${what} is offline already` };
  return { result: 'Succeeded', message: `${what} is offline` };
}
