import { memoryDriverSuite } from '../contract/memory-driver-suite.ts';
import { startSimulatedNode } from '../support/simulated-driver.ts';

memoryDriverSuite('simulated', () => {
  const node = startSimulatedNode();
  return Promise.resolve({ driver: node.driver, spareBlock: 32, onlineBlock: 40, close: () => node.remove() });
});
