/** A dry run of what would happen to a block: `memhp explain`. Takes no lock and writes nothing. Users' page: docs/explain.md. */
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type {
  ExplainActivities,
  ExplainedCall,
  ExplainedOperation,
  ExplainInput,
  Explanation,
  ForeseenOperation,
  Foresight,
  NothingKnown,
} from '../src/contract/explain.ts';
import type { NotifierReply, RegisteredNotifier, WalkNotify } from '../src/contract/notifier.ts';
import { DEFAULT_TIMINGS } from '../src/contract/operations.ts';
import { walkNotify } from '../src/contract/walk-notify.ts';
import { surveyChain } from '../src/kernel/chain-survey.ts';
import { beginChain } from '../src/kernel/notifier-chain.ts';
import { askedTogether, askNotifiers } from './ask-notifiers.ts';

/** A person waits: reads of the API server take milliseconds, or it is away. */
const { foreseeOperations } = proxyActivities<ExplainActivities>({
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '20 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

/** Fails when the operator cannot read the cluster. Plugins cannot make it fail. */
export async function explainOperation(input: ExplainInput): Promise<Explanation | NothingKnown> {
  const { node, blockId, to } = input;
  const summary = `what it takes to make memory${String(blockId)} ${to}`;
  const foresight = await foreseeOperations.executeWithOptions({ summary }, [{ node, blockId, to }]);
  if (foresight.kind === 'unknown') return foresight;
  const operations: ExplainedOperation[] = [];
  for (const operation of foresight.operations) {
    operations.push(await explainOne(input, foresight, operation));
    setCurrentDetails(operations.flatMap(storyOf).join('\n'));
  }
  const { block, obstacles, end, notes } = foresight;
  return { kind: 'explained', block, to, operations, obstacles, notes, ...(end === undefined ? {} : { end }) };
}

async function explainOne(
  input: ExplainInput,
  { chain, ...foresight }: Foresight,
  operation: ForeseenOperation,
): Promise<ExplainedOperation> {
  const { action } = operation;
  if (action === undefined) return operation;
  const notifiers = chain.map(({ notifier }) => notifier);
  const replies = await askEverybody(
    beginChain(action, notifiers).remaining,
    dryWalk(input, foresight, action, operation),
  );
  const members = new Map(chain.map((member) => [member.notifier.name, member]));
  const calls = surveyChain(action, notifiers, replies).map((call): ExplainedCall => {
    const { target = '', notifier } = members.get(call.name) ?? {};
    return { ...call, target, priority: notifier?.priority ?? 0 };
  });
  return { ...operation, calls };
}

/** One reply for each of `asked`. Unlike in a real walk, a stop bit ends nothing: who comes behind it is asked after it. */
async function askEverybody(asked: readonly RegisteredNotifier[], walk: WalkNotify): Promise<readonly NotifierReply[]> {
  const endMs = Date.now() + DEFAULT_TIMINGS.chainMs;
  const replies: NotifierReply[] = [];
  while (replies.length < asked.length) {
    const results = await askNotifiers(askedTogether(asked.slice(replies.length)), walk, endMs);
    replies.push(...results.map(({ reply }) => reply));
  }
  return replies;
}

function dryWalk(
  { cluster, node, blockId }: ExplainInput,
  { blockSizeBytes: sizeBytes, numaNode }: Pick<Foresight, 'blockSizeBytes' | 'numaNode'>,
  action: WalkNotify['action'],
  { onlineType }: ForeseenOperation,
): WalkNotify {
  const { workflowId, runId } = workflowInfo();
  const dryRun = { workflowId, runId, tokens: {}, dryRun: true };
  return walkNotify({ action, cluster, node, blockId, sizeBytes, ...dryRun, onlineType, numaNode });
}

/** For the Temporal UI. */
function storyOf({ type, why, action, calls = [] }: ExplainedOperation): readonly string[] {
  const answers = calls.map(({ name, result, reason }) => `${name}: ${result}${reason ? ` (${reason})` : ''}`);
  return [`- would ${type}: ${why}`, ...answers.map((answer) => `- ${action ?? ''} → ${answer}`)];
}
