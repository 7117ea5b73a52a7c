import { memoryDriverSuite } from '../contract/memory-driver-suite.ts';
import { startSimulatedNode } from '../support/simulated-driver.ts';

memoryDriverSuite('simulated', () => {
  const node = startSimulatedNode();
  const blocks = { spareBlock: 32, onlineBlock: 40 };
  return Promise.resolve({ driver: node.driver, ...blocks, shows: 'operation', close: () => node.remove() });
});
