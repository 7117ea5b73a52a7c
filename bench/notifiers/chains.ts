/** What is compared: chains of notifiers that all agree, by how they are reached and how long the chain is. */
import type { NotifierTransport, RegisteredNotifier } from '../../src/contract/notifier.ts';
import { DEFAULT_TIMINGS } from '../../src/contract/operations.ts';

type TransportOf<Kind extends NotifierTransport['kind']> = Extract<NotifierTransport, { kind: Kind }>;

/** Where the plugins outside of the operator are. */
export interface Addresses {
  readonly webhook: Omit<TransportOf<'webhook'>, 'kind'>;
  readonly taskQueue: Omit<TransportOf<'taskQueue'>, 'kind'>;
}

export const KINDS = ['in-process', 'webhook', 'task queue'] as const;
export type Kind = (typeof KINDS)[number];

export interface Chain {
  /** `mixed`: in-process, but for a webhook in the middle. */
  readonly kind: Kind | 'mixed' | 'none';
  /** In call order. */
  readonly transports: readonly Kind[];
}

export const LENGTHS = [1, 5, 20] as const;

export const NO_CHAIN: Chain = { kind: 'none', transports: [] };

/** The empty chain first: what an operation costs anyway. */
export const CHAINS: readonly Chain[] = [
  NO_CHAIN,
  ...KINDS.flatMap((kind) => LENGTHS.map((length) => ({ kind, transports: uniform(kind, length) }))),
  ...LENGTHS.filter((length) => length > 2).map((length) => ({
    kind: 'mixed' as const,
    transports: uniform('in-process', length).with(Math.floor(length / 2), 'webhook'),
  })),
];

/** Asked about MEM_GOING_OFFLINE alone, so that an offline walks the chain once. */
export function registeredNotifiers({ transports }: Chain, addresses: Addresses): readonly RegisteredNotifier[] {
  return transports.map((kind, place) => ({
    name: `${kind.replace(' ', '-')}-plugin-${String(place + 1)}`,
    uid: `uid-${String(place + 1)}`,
    priority: transports.length - place,
    registeredAt: '2026-01-01T00:00:00Z',
    actions: ['MEM_GOING_OFFLINE'],
    failurePolicy: 'Fail',
    // A call that is slow because the machine is busy is slow; only the walk's deadline may end it.
    timeoutMs: DEFAULT_TIMINGS.chainMs,
    transport: transportOf(kind, addresses),
  }));
}

function uniform(kind: Kind, length: number): readonly Kind[] {
  return Array.from({ length }, () => kind);
}

function transportOf(kind: Kind, { webhook, taskQueue }: Addresses): NotifierTransport {
  switch (kind) {
    case 'in-process':
      return { kind: 'plugin', name: 'agreeable', config: {} };
    case 'webhook':
      return { kind: 'webhook', ...webhook };
    case 'task queue':
      return { kind: 'taskQueue', ...taskQueue };
  }
}
