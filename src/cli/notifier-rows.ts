/** The notifier chain and what it has said lately, from the objects of the cluster. Pure. */
import type {
  MemoryBlock,
  MemoryNotifier,
  MemoryNotifierStatus,
  NodeMemory,
  NotifierStatus,
} from '../contract/resources.ts';
import type { NodeObject } from '../controller/cluster.ts';
import { describeTransport } from '../controller/notifier-transport.ts';
import { registeredNotifiers } from '../controller/registered-notifiers.ts';

export interface NotifierSnapshot {
  readonly notifiers: readonly MemoryNotifier[];
  readonly blocks: readonly MemoryBlock[];
}

/** What the chain is narrowed to: those whose selectors match. */
export interface NotifierScope {
  readonly node: string;
  readonly nodeMemory: NodeMemory | undefined;
  /** The Node object. */
  readonly nodeObject: NodeObject | undefined;
  /** Unset: whatever their blockSelector. */
  readonly block?: { readonly blockId: number; readonly object: MemoryBlock | undefined };
}

export interface NotifierRow {
  /** Place in the chain, from 1; unset: not asked, because it is suspended. One that is not ready is asked, and cannot answer. */
  readonly order?: number;
  readonly name: string;
  readonly target: string;
  readonly priority: number;
  /** Empty: all. */
  readonly actions: readonly string[];
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly isSuspended: boolean;
  /** `True`, or the reason why not; `Unknown` before an operator has looked at it. */
  readonly ready: string;
  /** Why it is not ready. */
  readonly problem?: string;
  readonly lastCall?: NonNullable<MemoryNotifierStatus['lastCall']>;
}

/** The last operation of a block whose chain said something else than yes. */
export interface VerdictRow {
  readonly block: string;
  readonly time: string;
  readonly operation: string;
  readonly result: string;
  readonly answers: readonly NotifierStatus[];
}

/** In call order; those that are suspended stand where they would be asked. */
export function notifierRows(
  { notifiers }: NotifierSnapshot,
  scope: NotifierScope | undefined,
): readonly NotifierRow[] {
  const chain = registeredNotifiers(
    notifiers.map((notifier) => forSelection(notifier, scope)),
    {
      // Only tells a task queue of the operator's from others, which is the operator's to judge.
      cluster: '',
      block: scope?.block?.object,
      nodeMemory: scope?.nodeMemory,
      node: scope?.nodeObject,
    },
  );
  const byName = new Map(notifiers.map((notifier) => [notifier.metadata.name, notifier]));
  let order = 0;
  return chain.notifiers.flatMap(({ name, transport }) => {
    const notifier = byName.get(name);
    if (!notifier) return [];
    const isAsked = notifier.spec.suspend !== true;
    return [{ ...(isAsked ? { order: ++order } : {}), ...rowOf(notifier, describeTransport(transport)) }];
  });
}

/** Newest first. Of one block: all that its last chain answered; of several: objections and missing answers only. */
export function verdictRows({ blocks }: NotifierSnapshot, scope: NotifierScope | undefined): readonly VerdictRow[] {
  const wanted = blocks.filter(
    ({ spec }) =>
      (scope === undefined || spec.nodeName === scope.node) &&
      (scope?.block === undefined || spec.blockId === scope.block.blockId),
  );
  const isTold = ({ result, errno }: NotifierStatus): boolean =>
    scope?.block !== undefined || errno !== undefined || result === 'Error';
  return wanted
    .flatMap(({ metadata, status }) => {
      const { lastOperation, notifiers = [] } = status ?? {};
      const answers = notifiers.filter(isTold);
      if (!lastOperation || answers.length === 0) return [];
      const { type: operation, result, completionTime: time } = lastOperation;
      return [{ block: metadata.name, time, operation, result, answers }];
    })
    .sort((one, other) => Date.parse(other.time) - Date.parse(one.time));
}

/** As the operator selects; but a suspended one is shown, and where there is no scope, its selectors match anything. */
function forSelection(notifier: MemoryNotifier, scope: NotifierScope | undefined): MemoryNotifier {
  const { nodeSelector, blockSelector, ...spec } = notifier.spec;
  return {
    ...notifier,
    spec: {
      ...spec,
      suspend: false,
      ...(scope && nodeSelector ? { nodeSelector } : {}),
      ...(scope?.block && blockSelector ? { blockSelector } : {}),
    },
  };
}

function rowOf({ metadata, spec, status }: MemoryNotifier, target: string): Omit<NotifierRow, 'order'> {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const isReady = ready?.status === 'True';
  const isNews = ready !== undefined && !isReady && spec.suspend !== true;
  return {
    name: metadata.name,
    target: status?.target ?? target,
    priority: spec.priority,
    actions: spec.actions ?? [],
    failurePolicy: spec.failurePolicy,
    timeoutSeconds: spec.timeoutSeconds,
    isSuspended: spec.suspend === true,
    ready: isReady ? 'True' : (ready?.reason ?? 'Unknown'),
    ...(isNews ? { problem: ready.message } : {}),
    ...(status?.lastCall ? { lastCall: status.lastCall } : {}),
  };
}
