/** Nodes that exist in a state directory only, any number per process. */
import type { NodeMemory, SimulatedSpec } from '../contract/resources.ts';
import { SimulatedDriver } from '../drivers/simulated/simulated-driver.ts';
import type { NodeSource } from './node-source.ts';

/** 1 GiB as a small PC boots with it: block 0 has two zones in it, and everything from block 8 on is free to be added. */
const DEFAULT_SIMULATED: SimulatedSpec = {
  blockSize: '128Mi',
  blocks: [
    { range: '0', state: 'online', zone: 'none' },
    { range: '1-7', state: 'online', zone: 'DMA32' },
  ],
};

/** Those named; without names, every NodeMemory that has `spec.simulated` and whose name begins with `namePrefix`. */
export function simulatedNodes(nodes?: readonly string[], namePrefix = ''): NodeSource {
  return {
    ...(nodes ? { nodes } : {}),
    isHostWide: false,
    needsNode: false,
    isOurs: ({ metadata: { name }, spec }) =>
      nodes ? nodes.includes(name) : spec.simulated !== undefined && name.startsWith(namePrefix),
    refusal,
    newSpec: (lost) => {
      const kept = lost && refusal(lost) === undefined ? lost.spec : {};
      return { ...kept, simulated: lost?.spec.simulated ?? DEFAULT_SIMULATED };
    },
    openFailure: 'InvalidSpec',
    open: ({ spec }, { directory, logger }) => {
      const driver = new SimulatedDriver({ directory, spec: spec.simulated ?? {}, logger });
      return {
        driver,
        configure: ({ simulated = {} }) => {
          driver.configure(simulated);
        },
      };
    },
  };
}

/** A node that has been real is not simulated from one edit to the next: its operations would do nothing, and succeed. */
function refusal({ metadata: { name }, spec, status }: NodeMemory): string | undefined {
  if (!spec.simulated) {
    return `It has no spec.simulated, so it is a real node: start memhp agent --driver sysfs on it, or add spec.simulated.`;
  }
  if (status?.driver === undefined || status.driver === 'simulated') return undefined;
  return `It was a node of driver ${status.driver}: delete NodeMemory ${name} first, to have a simulated one of that name.`;
}
