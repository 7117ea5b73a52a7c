import { memoryDriverSuite } from '../contract/memory-driver-suite.ts';
import { startSysfsNode } from '../support/sysfs-driver-node.ts';

memoryDriverSuite('sysfs', () => {
  const node = startSysfsNode();
  const blocks = { spareBlock: 32, onlineBlock: 40 };
  return Promise.resolve({ driver: node.driver, ...blocks, shows: 'device', close: () => node.remove() });
});
