/** Starts simulated drivers in directories of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import winston from 'winston';
import type { SimulatedSpec } from '../../src/contract/resources.ts';
import { SimulatedDriver, type SimulatedDriverOptions } from '../../src/drivers/simulated/simulated-driver.ts';

export const SILENT_LOGGER = winston.createLogger({ silent: true });

/** Blocks 0-7 as a small machine boots with them, and a Movable block 40. */
export const SMALL_NODE: SimulatedSpec = {
  blocks: [
    { range: '0', state: 'online', zone: 'none' },
    { range: '1-7', state: 'online', zone: 'DMA32' },
    { range: '40', state: 'online', zone: 'Movable' },
  ],
};

export interface SimulatedNode {
  readonly directory: string;
  readonly driver: SimulatedDriver;
  /** Another driver on the same directory, as after a restart of the agent. */
  restart(more?: Partial<SimulatedDriverOptions>): Promise<SimulatedDriver>;
  remove(): Promise<void>;
}

export function startSimulatedNode(
  spec: SimulatedSpec = SMALL_NODE,
  more: Partial<SimulatedDriverOptions> = {},
): SimulatedNode {
  const directory = mkdtempSync(join(tmpdir(), 'memhp-simulated-'));
  const open = (extra: Partial<SimulatedDriverOptions>): SimulatedDriver =>
    new SimulatedDriver({ directory, spec, logger: SILENT_LOGGER, ...more, ...extra });
  let driver = open({});
  return {
    directory,
    get driver() {
      return driver;
    },
    restart: async (extra = {}) => {
      await driver.close();
      driver = open(extra);
      return driver;
    },
    remove: async () => {
      await driver.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
