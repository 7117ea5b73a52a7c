/** The chain that an operation on one block would walk, as far as the registered MemoryNotifiers go. */
import { createHash } from 'node:crypto';
import type { RegisteredNotifier } from '../contract/notifier.ts';
import type { LabelSelector, MemoryNotifier, ObjectMeta } from '../contract/resources.ts';
import { orderChain } from '../kernel/notifier-chain.ts';
import { notifierTransport } from './notifier-transport.ts';

type Labels = Readonly<Record<string, string>> | undefined;
type Labelled = { readonly metadata: Pick<ObjectMeta, 'labels'> } | undefined;

export interface NotifierChain {
  /** In the order in which they are asked. */
  readonly notifiers: readonly RegisteredNotifier[];
  /** Changes whenever a notifier comes, goes or is edited; see RetryStatus.chain. */
  readonly fingerprint: string;
}

/** What the selectors of the notifiers are held against. */
export interface ChainSubject {
  readonly cluster: string;
  readonly block: Labelled;
  readonly nodeMemory: Labelled;
  /** The Node object; its labels win over those of the NodeMemory. */
  readonly node: Labelled;
}

/** Those that match the block and its node; one that is suspended, or is being deleted, is not asked. */
export function registeredNotifiers(all: readonly MemoryNotifier[], subject: ChainSubject): NotifierChain {
  const { cluster, block, nodeMemory, node } = subject;
  const nodeLabels = { ...nodeMemory?.metadata.labels, ...node?.metadata.labels };
  const matching = all
    .filter(({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec.suspend !== true)
    .filter(
      ({ spec }) => matches(spec.nodeSelector, nodeLabels) && matches(spec.blockSelector, block?.metadata.labels),
    );
  const generations = new Map(matching.map(({ metadata }) => [metadata.name, metadata.generation ?? 0]));
  const notifiers = orderChain(matching.map((notifier) => registeredNotifier(notifier, cluster)));
  const identity = notifiers.map(({ name, uid }) => `${uid}@${String(generations.get(name))}`).join();
  return { notifiers, fingerprint: createHash('sha256').update(identity).digest('hex').slice(0, 16) };
}

/** No selector selects everything. */
function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => labels?.[name] === value);
}

function registeredNotifier({ metadata, spec }: MemoryNotifier, cluster: string): RegisteredNotifier {
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    priority: spec.priority,
    registeredAt: metadata.creationTimestamp ?? '',
    actions: spec.actions ?? [],
    failurePolicy: spec.failurePolicy,
    timeoutMs: spec.timeoutSeconds * 1000,
    transport: notifierTransport(spec, cluster),
  };
}
