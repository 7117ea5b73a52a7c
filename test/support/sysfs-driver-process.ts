/** An agent's process as far as a driver needs one: begins to take memory40 offline. Arguments: DIRECTORY ROOT BOOT_ID_FILE. */
import { SysfsDriver } from '../../src/drivers/sysfs/sysfs-driver.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { OperationRun, UNINTERRUPTED } from './driver-run.ts';
import { SILENT_LOGGER } from './simulated-driver.ts';

const [, , directory = '', sysfsRoot = '', bootIdFile = ''] = process.argv;
const driver = new SysfsDriver({ directory, sysfsRoot, bootIdFile, logger: SILENT_LOGGER });
const gate = new WriteGate({ directory });
const { bootId } = await driver.inspect([]);
const run = new OperationRun(driver, 1, { operation: 'offline', blockId: 40, bootId });
await run.step('prepare');
await gate.begin({ token: 1, runId: 'run-1' });
await run.step('commit', {}, { ...UNINTERRUPTED, gateDescriptors: gate.descriptors ?? [] });
