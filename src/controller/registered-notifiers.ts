/** The chain that an operation on one block would walk, as far as the registered MemoryNotifiers go. */
import { createHash } from 'node:crypto';
import type { RegisteredNotifier } from '../contract/notifier.ts';
import type { LabelSelector, MemoryNotifier } from '../contract/resources.ts';
import { orderChain } from '../kernel/notifier-chain.ts';

type Labels = Readonly<Record<string, string>> | undefined;

export interface NotifierChain {
  /** In the order in which they are asked. */
  readonly notifiers: readonly RegisteredNotifier[];
  /** Changes whenever a notifier comes, goes or is edited; see RetryStatus.chain. */
  readonly fingerprint: string;
}

/** Those whose selectors match the block and its node; a notifier that is being deleted is no longer asked. */
export function registeredNotifiers(all: readonly MemoryNotifier[], block: Labels, node: Labels): NotifierChain {
  const matching = all
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ spec }) => matches(spec.nodeSelector, node) && matches(spec.blockSelector, block));
  const generations = new Map(matching.map(({ metadata }) => [metadata.name, metadata.generation ?? 0]));
  const notifiers = orderChain(matching.map(registeredNotifier));
  const identity = notifiers.map(({ name, uid }) => `${uid}@${String(generations.get(name))}`).join();
  return { notifiers, fingerprint: createHash('sha256').update(identity).digest('hex').slice(0, 16) };
}

/** No selector selects everything. */
function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => labels?.[name] === value);
}

function registeredNotifier({ metadata, spec }: MemoryNotifier): RegisteredNotifier {
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    priority: spec.priority,
    registeredAt: metadata.creationTimestamp ?? '',
    actions: spec.actions ?? [],
    failurePolicy: spec.failurePolicy,
    timeoutMs: spec.timeoutSeconds * 1000,
    plugin: { name: spec.plugin.name, config: spec.plugin.config ?? {} },
  };
}
