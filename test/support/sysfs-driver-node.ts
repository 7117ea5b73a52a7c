/** Starts sysfs drivers on copied trees. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SysfsDriver, type SysfsDriverOptions } from '../../src/drivers/sysfs/sysfs-driver.ts';
import { SILENT_LOGGER } from './simulated-driver.ts';
import { createSysfsTree, type SysfsTree, type SysfsTreeOptions } from './sysfs-tree.ts';
import { KernelWriter } from './kernel-writer.ts';

/** Blocks 0-7 as a small machine boots with them, a Movable block 40, and an offline block 41; more can be added. */
export const SMALL_TREE: SysfsTreeOptions = {
  probe: true,
  blocks: [
    { range: '0', validZones: 'none' },
    { range: '1-7', validZones: 'DMA32' },
    { range: '40', validZones: 'Movable' },
    { range: '41', state: 'offline' },
  ],
};

export interface SysfsDriverNode {
  readonly tree: SysfsTree;
  readonly directory: string;
  readonly kernel: KernelWriter;
  readonly driver: SysfsDriver;
  /** Another driver on the same node, as after a restart of the agent. */
  restart(more?: Partial<SysfsDriverOptions>): Promise<SysfsDriver>;
  remove(): Promise<void>;
}

/** With a KernelWriter, unless `more` names another writer; `writer: undefined` gives the real one. */
export function startSysfsNode(
  tree: SysfsTree = createSysfsTree(SMALL_TREE),
  more: Partial<SysfsDriverOptions> | { readonly writer: undefined } = {},
): SysfsDriverNode {
  const directory = mkdtempSync(join(tmpdir(), 'memhp-sysfs-node-'));
  const kernel = new KernelWriter(tree);
  const open = (extra: object): SysfsDriver => {
    const { writer, ...rest } = { writer: kernel, ...more, ...extra } as Partial<SysfsDriverOptions>;
    const { root: sysfsRoot, bootIdFile } = tree;
    const given = writer ? { writer } : {};
    return new SysfsDriver({ directory, sysfsRoot, bootIdFile, logger: SILENT_LOGGER, ...given, ...rest });
  };
  let driver = open({});
  return {
    tree,
    directory,
    kernel,
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
      tree.remove();
    },
  };
}
