/** `device_online()` of a CPU: mirrors drivers/base/cpu.c and kernel/cpu.c `cpu_up()`, v6.12. */
import type { CpuInput, DeviceOutcome } from '../src/contract/device-operations.ts';
import { beginCpu } from './begin-cpu.ts';
import { DeviceOperation } from './device-operation.ts';
import { driverFailed, refused, type Ending } from './ending.ts';
import { memHotplugLock } from './locks.ts';

/**
 * D → L(cpu): possible? → M:w taken and dropped (`try_online_node()`: the CPU's memory node may come up) → the CPU → drop
 * L, D. In the kernel `cpus_write_lock` follows, which M:w excludes by `cpus_read_lock`; here D and L stand for it.
 */
export async function onlineCpu(input: CpuInput): Promise<DeviceOutcome> {
  return new DeviceOperation('online-cpu', input, `cpu${String(input.cpu)}`).run(online);
}

async function online(operation: DeviceOperation<CpuInput>): Promise<Ending> {
  const args = await beginCpu(operation);
  if ('result' in args) return args;
  const what = `cpu${String(args.cpu)}`;

  const possible = await operation.driver.step('prepare', args);
  if (!possible.ok) return driverFailed(possible);
  if (possible.noop) return { result: 'Succeeded', noop: true, message: `${what} is online already` };

  const begun = await operation.take(memHotplugLock);
  if (begun.kind === 'refused') return refused(begun);
  const kept = await operation.driver.memHotplugBegin();
  if (kept) return kept;
  await operation.memHotplugDone(begun);

  const up = await operation.driver.step('commit', args);
  return up.ok ? { result: 'Succeeded', message: `${what} is online` } : driverFailed(up);
}
