import assert from 'node:assert/strict';
import fc from 'fast-check';
import { orderChains } from '../../src/cli/order-graph.ts';

const order = (from: string, to: string) => ({ from, to });
const ordersOf = fc.uniqueArray(
  fc.record({ from: fc.constantFrom('a', 'b', 'c', 'd'), to: fc.constantFrom('a', 'b', 'c', 'd') }),
  { selector: ({ from, to }) => `${from}${to}` },
);
type Orders = readonly { from: string; to: string }[];

/** Pairs of which one leads to the other, over any number of steps. */
function reachable(orders: Orders): string[] {
  const pairs = new Set(orders.map(({ from, to }) => `${from} ${to}`));
  for (let size = 0; size < pairs.size;) {
    size = pairs.size;
    for (const one of [...pairs]) {
      for (const other of [...pairs]) {
        if (one.split(' ')[1] === other.split(' ')[0]) pairs.add([one.split(' ')[0], other.split(' ')[1]].join(' '));
      }
    }
  }
  return [...pairs].sort();
}

function stepsOf(chains: readonly string[]): Orders {
  return chains.flatMap((chain) => {
    const names = chain.split(' → ');
    return names.slice(1).map((to, index) => order(names[index]!, to));
  });
}

describe('orderChains', () => {
  it("shows the kernel's order as one chain", () => {
    const orders = [
      order('device_hotplug_lock', 'mem_hotplug_lock'),
      order('device_hotplug_lock', 'device_lock'),
      order('device_lock', 'mem_hotplug_lock'),
    ];
    assert.deepEqual(orderChains(orders), ['device_hotplug_lock → device_lock → mem_hotplug_lock']);
  });

  it('shows an inversion as a chain that comes back', () => {
    const orders = [order('mem_hotplug_lock', 'device_lock'), order('device_lock', 'mem_hotplug_lock')];
    assert.deepEqual(orderChains(orders), ['mem_hotplug_lock → device_lock → mem_hotplug_lock']);
  });

  it('has nothing to show where nothing was nested', () => assert.deepEqual(orderChains([]), []));

  it('says all that the orders say, and nothing else', () => {
    const property = fc.property(ordersOf, (orders) => {
      const differing = orders.filter(({ from, to }) => from !== to);
      assert.deepEqual(reachable(stepsOf(orderChains(differing))), reachable(differing));
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
