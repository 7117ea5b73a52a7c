/** The orders in which classes of locks were taken, as lines for people: `device_hotplug_lock → device_lock`. */
import type { LockTableView } from '../contract/locks.ts';

type Order = LockTableView['orders'][number];

const ARROW = ' → ';

/**
 * Few and long chains that together say every order. Left out is what the rest implies: with a → b → c, also a → c. An
 * inversion shows as a chain that comes back to a class of its own.
 */
export function orderChains(orders: readonly Order[]): readonly string[] {
  const left = new Set(orders.filter((order) => !isImplied(orders, order)));
  const chains: string[] = [];
  while (left.size > 0) {
    const first = chooseFirst(left);
    const chain = [first.from];
    for (let next: Order | undefined = first; next; next = nextOf(left, chain)) {
      left.delete(next);
      chain.push(next.to);
    }
    chains.push(chain.join(ARROW));
  }
  return chains;
}

/** Whether a longer way leads from `from` to `to`, all of it in one direction: around a circle nothing is implied. */
function isImplied(orders: readonly Order[], { from, to }: Order): boolean {
  const between = new Set(orders.map((order) => order.to).filter((name) => name !== from && name !== to));
  return [...between].some(
    (name) =>
      leads(orders, from, name) && leads(orders, name, to) && !leads(orders, name, from) && !leads(orders, to, name),
  );
}

function leads(orders: readonly Order[], from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const name of seen) {
    for (const order of orders) if (order.from === name) seen.add(order.to);
  }
  return from !== to && seen.has(to);
}

/** One that nothing leads to, where there is one: chains begin as far out as they can. */
function chooseFirst(left: ReadonlySet<Order>): Order {
  const orders = [...left];
  const outermost = orders.find(({ from }) => orders.every(({ to }) => to !== from)) ?? orders[0];
  if (!outermost) throw new RangeError('there is no order left');
  return outermost;
}

/** How `chain` goes on; undefined at its end, or when it has come back to where it was. */
function nextOf(left: ReadonlySet<Order>, chain: readonly string[]): Order | undefined {
  const end = chain.at(-1);
  if (end !== undefined && chain.indexOf(end) < chain.length - 1) return undefined;
  return [...left].find(({ from }) => from === end);
}
