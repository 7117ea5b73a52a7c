/**
 * Lock order validation: finds orders of acquisition that can deadlock even where timing was kind so far.
 *
 * As the kernel's lockdep (v6.12, kernel/locking/lockdep.c) it works on classes, not instances: all device_locks are one
 * class, and two locks of one class are not ordered. Unlike it, and like Goodlock (Havelund, "Using Runtime Analysis to
 * Guide Model Checking of Java Programs", 2000), it knows gate locks: two orders that were only ever taken under a common
 * lock cannot meet. Readers count as writers, because a reader waits behind a writer that waits.
 */
import type { LockHolder, LockName, WantedLock } from './lock.ts';

export type LockClass = string;

/** `device_lock/memory32` → `device_lock`. */
export function lockClassOf(name: LockName): LockClass {
  return name.split('/', 1)[0] ?? name;
}

/** Somebody held locks and asked for one more. */
export interface LockChain extends LockHolder {
  readonly purpose: string;
  readonly held: readonly WantedLock[];
  readonly wanted: LockName;
}

/** `to` was asked for while `from` was held. */
export interface LockOrder {
  readonly from: LockClass;
  readonly to: LockClass;
  /** All other locks that were held then, by name. */
  readonly gates: readonly WantedLock[];
  /** The first time that this was seen. */
  readonly chain: LockChain;
}

/** Orders that together form a circle, and that no common lock keeps apart. */
export interface LockdepReport {
  readonly cycle: readonly LockClass[];
  readonly chains: readonly LockChain[];
  readonly message: string;
}

/** Plain JSON. */
export interface Lockdep {
  readonly orders: readonly LockOrder[];
  /** One for each set of classes. */
  readonly reports: readonly LockdepReport[];
}

export const EMPTY_LOCKDEP: Lockdep = { orders: [], reports: [] };

/** Different gates remembered for one pair of classes; beyond, the two oldest become what they have in common. */
export const GATES_PER_ORDER_MAX = 8;
/** Six pairs of three classes need 48. Orders beyond are not noted: whoever takes so many has other worries. */
export const ORDERS_MAX = 64;
/** Three classes can be in four circles. */
export const REPORTS_MAX = 16;
/** Of all that a run holds, what was taken first counts: gates are outermost. */
export const HELD_MAX = 64;

/** Notes what `chain` shows; `reports` are the new ones. Trylocks are not to be noted: they never wait. */
export function noteAcquisition(
  lockdep: Lockdep,
  chain: LockChain,
): { readonly lockdep: Lockdep; readonly reports: readonly LockdepReport[] } {
  const fresh = ordersOf(chain).filter((order) => !lockdep.orders.some((known) => isCovered(order, known)));
  if (fresh.length === 0) return { lockdep, reports: [] };
  let { orders } = lockdep;
  const known = [...lockdep.reports];
  for (const order of fresh) {
    orders = addOrder(orders, order);
    for (const circle of circlesThrough(orders, [order])) {
      if (known.length < REPORTS_MAX && !known.some((report) => isSameCircle(report, circle))) {
        known.push(reportOf(circle));
      }
    }
  }
  return { lockdep: { orders, reports: known }, reports: known.slice(lockdep.reports.length) };
}

function ordersOf(chain: LockChain): readonly LockOrder[] {
  const to = lockClassOf(chain.wanted);
  const held = chain.held.slice(0, HELD_MAX);
  return held.flatMap((lock) => {
    const from = lockClassOf(lock.name);
    const gates = held.filter((other) => other.name !== lock.name);
    return from === to ? [] : [{ from, to, gates, chain: { ...chain, held } }];
  });
}

/** Whether `known` says as much as `order`: the same classes, and no gate that keeps more apart than those of `order`. */
function isCovered(order: LockOrder, known: LockOrder): boolean {
  const isSamePair = known.from === order.from && known.to === order.to;
  return (
    isSamePair && known.gates.every((gate) => commonGates([gate], order.gates).some(({ mode }) => mode === gate.mode))
  );
}

function addOrder(orders: readonly LockOrder[], order: LockOrder): readonly LockOrder[] {
  const kept = orders.filter((known) => !isCovered(known, order));
  const pair = kept.filter(({ from, to }) => from === order.from && to === order.to);
  const [oldest, next] = pair;
  if (!oldest || !next || pair.length < GATES_PER_ORDER_MAX) return kept.length < ORDERS_MAX ? [...kept, order] : kept;
  const others = kept.filter((known) => known !== oldest && known !== next);
  const merged = { ...oldest, gates: commonGates(oldest.gates, next.gates) };
  return [...others.filter((known) => !isCovered(known, merged)), merged, order];
}

/** What was held in both cases: for writing only if it was so in both. */
function commonGates(a: readonly WantedLock[], b: readonly WantedLock[]): readonly WantedLock[] {
  return a.flatMap((gate) => {
    const other = b.find(({ name }) => name === gate.name);
    return other ? [gate.mode === 'read' ? gate : other] : [];
  });
}

/** Ways from the end of `path` back to its beginning, over orders of which no two are kept apart by a gate. */
function* circlesThrough(
  orders: readonly LockOrder[],
  path: readonly LockOrder[],
): Generator<readonly LockOrder[], undefined, undefined> {
  const end = path.at(-1)?.to;
  const begin = path[0]?.from;
  for (const next of orders) {
    if (next.from !== end || path.some((order) => order.to === next.to || sharesGate(order, next))) continue;
    const longer = [...path, next];
    if (next.to === begin) yield longer;
    else yield* circlesThrough(orders, longer);
  }
}

/** A lock that both held, and that they could not have held at once. */
function sharesGate(a: LockOrder, b: LockOrder): boolean {
  return a.gates.some((gate) =>
    b.gates.some((other) => gate.name === other.name && (gate.mode === 'write' || other.mode === 'write')),
  );
}

function isSameCircle({ cycle }: LockdepReport, circle: readonly LockOrder[]): boolean {
  return cycle.length === circle.length && circle.every(({ from }) => cycle.includes(from));
}

function reportOf(circle: readonly LockOrder[]): LockdepReport {
  const chains = circle.map(({ chain }) => chain);
  const stories = circle.map(
    ({ from, chain }) =>
      `${chain.purpose} held ${chain.held.map(({ name }) => name).join(', ')} (${from}) and asked for ${chain.wanted}`,
  );
  return {
    cycle: circle.map(({ from }) => from),
    chains,
    message: `possible circular locking dependency: ${stories.join('; ')}; no common lock keeps them apart`,
  };
}
