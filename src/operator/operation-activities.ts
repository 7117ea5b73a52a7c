/** The operator's activities: the second look, the plugins, and the outcome. Decisions are the controller's pure functions. */
import type { LookAgainInput, LookAgainResult, OperationActivities } from '../contract/activities.ts';
import { deadOperation, type DeadOperation } from '../contract/dead-operation.ts';
import { memoryBlockName } from '../contract/names.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { BlockReference } from '../contract/operations.ts';
import type { MemoryBlock, MemoryBlockStatus, MemoryNotifier, NodeMemory } from '../contract/resources.ts';
import type { Cluster, NodeObject } from '../controller/cluster.ts';
import type { ControllerMetrics } from '../controller/controller-metrics.ts';
import { debtOf } from '../controller/debt.ts';
import { eventOf } from '../controller/event-of.ts';
import { lookAgain } from '../controller/look-again.ts';
import { applyOutcome, type EndedOperation } from '../controller/record-outcome.ts';
import { registeredNotifiers, type NotifierChain } from '../controller/registered-notifiers.ts';
import type { AskPlugin } from '../plugins/ask-in-order.ts';
import { askWithinWalk } from './ask-within-walk.ts';
import { whileHeartbeating } from './while-heartbeating.ts';

export interface OperationActivitiesOptions {
  readonly cluster: Cluster;
  /** Read live: what is registered counts from the moment `kubectl apply` returned. */
  readonly listNotifiers: () => Promise<readonly MemoryNotifier[]>;
  readonly clusterId: string;
  readonly askPlugin: AskPlugin;
  readonly askWebhook: AskPlugin;
  /** Whether the run of another operation, which an object names, is closed. */
  readonly describeRun: OperationStarter['describe'];
  /** See `Controller.settledStatus`. Unset: the controller says so itself, with a write of its own. */
  readonly settledStatus?: (block: MemoryBlock) => MemoryBlockStatus | undefined;
  /** Unset: nobody measures. */
  readonly metrics?: Pick<ControllerMetrics, 'operationEnded'>;
}

export function createOperationActivities(options: OperationActivitiesOptions): OperationActivities {
  const { cluster, askPlugin, askWebhook } = options;
  return {
    lookAgain: (input) => whileHeartbeating(() => lookAgainLive(options, input)),

    findDebt: ({ node, blockId, block, dead }) =>
      whileHeartbeating(async () => {
        const facts = await readFacts(options, block?.name ?? memoryBlockName(node, blockId), node);
        return debtOf(dead, blockId, block, facts);
      }),

    callPlugins: (input) => askWithinWalk(input, askPlugin),

    async callWebhook({ notifier, ...input }) {
      const [result] = await askWithinWalk({ notifiers: [notifier], ...input }, askWebhook);
      if (!result) throw new TypeError(`${notifier.name} is not registered for ${input.walk.action}`);
      return result;
    },

    async recordOutcome({ block: reference, owner, outcome }) {
      const block = await cluster.readBlock(reference.name);
      if (!isSame(block, reference)) return undefined;
      const ended = { outcome, runId: owner.runId, generation: reference.generation, nowMs: Date.now() };
      const after = applyOutcome(block.status ?? {}, ended);
      const status = (after.operation ? undefined : options.settledStatus?.({ ...block, status: after })) ?? after;
      await write(cluster, block, status);
      countOnce(options.metrics, block.status, ended);
      const event = eventOf(block, status);
      if (event) await cluster.recordEvent(block, event);
      const { lastOperation, retry } = status;
      return lastOperation?.runId === owner.runId && retry ? { retryTime: retry.nextTime } : {};
    },
  };
}

/** A repeat of the activity finds the outcome of its run in the object already. */
function countOnce(
  metrics: OperationActivitiesOptions['metrics'],
  { operation, lastOperation }: MemoryBlockStatus = {},
  { outcome, runId, nowMs }: EndedOperation,
): void {
  if (lastOperation?.runId === runId) return;
  const startMs = operation?.runId === runId ? Date.parse(operation.startTime) : NaN;
  metrics?.operationEnded(outcome.type, outcome.result, Number.isNaN(startMs) ? undefined : nowMs - startMs);
}

type FactsOptions = Pick<OperationActivitiesOptions, 'cluster' | 'clusterId' | 'listNotifiers'>;

interface BlockFacts {
  readonly block: MemoryBlock | undefined;
  readonly node: NodeMemory | undefined;
  /** The Node object. */
  readonly nodeObject: NodeObject | undefined;
  readonly chain: NotifierChain;
}

async function lookAgainLive(options: OperationActivitiesOptions, input: LookAgainInput): Promise<LookAgainResult> {
  const { cluster } = options;
  const name = input.block?.name ?? memoryBlockName(input.node, input.inspection.blockId);
  const [facts, isCrdTerminating] = await Promise.all([
    readFacts(options, name, input.node),
    cluster.isCrdTerminating(),
  ]);
  const dead = await deadBefore(options, input, facts.block);
  const debt = dead && facts.block && debtOf(dead, input.inspection.blockId, referenceTo(facts.block), facts);
  const block = input.block ? facts.block : undefined;
  const result = lookAgain(input, { ...facts, block, isCrdTerminating, ...(debt ? { debt } : {}) });
  if (result.verdict === 'proceed' && block && input.block) {
    const { type, owner, startTime, bootId } = input;
    const { generation } = input.block;
    const operation = { type, ...owner, startTime, generation, phase: 'Driving', bootId };
    await write(cluster, block, { ...block.status, operation });
  }
  return result;
}

/** Everything that is read live, side by side: the locks of the node are held meanwhile. */
export async function readFacts(options: FactsOptions, name: string, nodeName: string): Promise<BlockFacts> {
  const { cluster, clusterId, listNotifiers } = options;
  const [block, nodeMemory, node, notifiers] = await Promise.all([
    cluster.readBlock(name),
    cluster.readNodeMemory(nodeName),
    cluster.readNode(nodeName),
    listNotifiers(),
  ]);
  const chain = registeredNotifiers(notifiers, { cluster: clusterId, block, nodeMemory, node });
  return { block, node: nodeMemory, nodeObject: node, chain };
}

/** An operation before the present one that the object still names and that is closed. */
async function deadBefore(
  { describeRun }: OperationActivitiesOptions,
  { owner }: LookAgainInput,
  block: MemoryBlock | undefined,
): Promise<DeadOperation | undefined> {
  const named = block?.status?.operation;
  if (named?.bootId === undefined || named.runId === owner.runId) return undefined;
  const found = await describeRun(named.workflowId, named.runId);
  return found?.isRunning ? undefined : deadOperation(named, found?.closedAs);
}

function referenceTo({ metadata, status }: MemoryBlock): BlockReference {
  const { name, uid = '' } = metadata;
  return { name, uid, generation: status?.operation?.generation ?? metadata.generation ?? 0 };
}

/** The object may have been deleted and created anew under the same name. */
function isSame(block: MemoryBlock | undefined, { uid }: BlockReference): block is MemoryBlock {
  return block?.metadata.uid === uid;
}

/** Throws on a conflict, so that the activity is tried again and reads anew. An object that is gone needs no status. */
async function write(cluster: Cluster, block: MemoryBlock, status: MemoryBlockStatus): Promise<void> {
  const result = await cluster.writeBlockStatus(block, status);
  if (result === 'conflict') throw new Error(`${block.metadata.name} was changed in between; reading it again`);
}
