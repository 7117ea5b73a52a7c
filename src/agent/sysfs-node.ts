/** The node that this process runs on, or a copied tree that stands for it. */
import { SysfsDriver } from '../drivers/sysfs/sysfs-driver.ts';
import type { NodeMemory } from '../contract/resources.ts';
import type { NodeSource } from './node-source.ts';

export interface SysfsNodeOptions {
  readonly node: string;
  /** Directory with `block_size_bytes` and the blocks. */
  readonly sysfsRoot: string;
  /** The host is no node of the cluster, or not under this name: its NodeMemory belongs to no Node. */
  readonly withoutNode?: boolean;
}

export function sysfsNode({ node, sysfsRoot, withoutNode = false }: SysfsNodeOptions): NodeSource {
  return {
    nodes: [node],
    isHostWide: true,
    needsNode: !withoutNode,
    isOurs: ({ metadata }) => metadata.name === node,
    refusal,
    newSpec: (lost) => (lost && refusal(lost) === undefined ? lost.spec : {}),
    openFailure: 'DriverFailed',
    open: ({ status }, { directory, logger }) => {
      const { fencingEpoch } = status ?? {};
      const known = fencingEpoch === undefined ? {} : { fencingEpoch };
      return { driver: new SysfsDriver({ directory, sysfsRoot, logger, ...known }) };
    },
  };
}

/** What is asked of a simulated node costs nothing; of this one it costs memory. So nothing is taken over from one. */
function refusal({ metadata: { name }, spec, status }: NodeMemory): string | undefined {
  const advice = `delete NodeMemory ${name}, and this agent creates it anew; or give one of the two nodes another name.`;
  if (spec.simulated) return `It has spec.simulated, and this agent serves a real node: ${advice}`;
  if (status?.driver === 'simulated') return `It was a simulated node, and this agent serves a real one: ${advice}`;
  return undefined;
}
