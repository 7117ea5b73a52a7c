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
  const selected = all.filter((notifier) => isSelected(notifier, subject));
  return {
    notifiers: orderChain(selected.map((notifier) => registeredNotifier(notifier, subject.cluster))),
    fingerprint: fingerprintOf(selected),
  };
}

/** The fingerprint alone: every look at a block compares it, and needs no more. */
export function chainFingerprint(all: readonly MemoryNotifier[], subject: ChainSubject): string {
  return fingerprintOf(all.filter((notifier) => isSelected(notifier, subject)));
}

/** Generations tell of every edit, so of all that decides the order as well. */
function fingerprintOf(selected: readonly MemoryNotifier[]): string {
  const identity = selected.map(({ metadata }) => `${metadata.uid ?? ''}@${String(metadata.generation ?? 0)}`).sort();
  return createHash('sha256').update(identity.join()).digest('hex').slice(0, 16);
}

function isSelected({ metadata, spec }: MemoryNotifier, { block, nodeMemory, node }: ChainSubject): boolean {
  if (metadata.deletionTimestamp !== undefined || spec.suspend === true) return false;
  const nodeLabels = { ...nodeMemory?.metadata.labels, ...node?.metadata.labels };
  return matches(spec.nodeSelector, nodeLabels) && matches(spec.blockSelector, block?.metadata.labels);
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
