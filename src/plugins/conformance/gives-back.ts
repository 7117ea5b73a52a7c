import type { NotifierReply } from '../../contract/notifier.ts';
import type { MemoryAction } from '../../kernel/memory-action.ts';
import type { Asker } from './asker.ts';
import { NOTHING_HELD } from './cancel-checks.ts';
import { failed, PASSED, summarize, undecided, type Check, type Finding } from './check.ts';
import { onEachRoad } from './each-road.ts';
import type { Road } from './road.ts';
import { answerOf, quoteReply, verdictOf } from './verdict.ts';

/**
 * Who keeps what GOING took vetoes the next operation; so does who lets only so many begin in an hour, or rests a while
 * after each, on purpose. What tells them apart: a limit has let through some before it vetoes, and whoever waits for
 * nothing but time can say for how long.
 */
export const givesBack: Check = {
  name: 'gives-back',
  rule: 'when an operation is over, either way, the next one is agreed to as before; a veto that only time ends has retryAfterSeconds',
  section: 'plugins.md#what-a-plugin-can-rely-on-and-what-not',
  async play(asker) {
    const doubts: string[] = [];
    const findings: Finding[] = [];
    for (const part of ['cancel', 'done'] as const) {
      const play = ({ going, [part]: end }: Road): Promise<Finding> => playEnd(asker, { going, end }, doubts);
      findings.push(await onEachRoad(asker, ['going', part], play));
    }
    const finding = summarize(findings);
    return finding.kind === 'failed' || doubts.length === 0 ? finding : undecided(doubts.join('; '));
  },
};

/** How an operation begins, and how it ends. */
interface End {
  readonly going: MemoryAction;
  readonly end: MemoryAction;
}

/** What an operation that is over has left. */
type Trace =
  | { readonly kind: 'none' }
  /** The plugin did not get so far, or gave no answer. */
  | { readonly kind: 'unknown' }
  /** `isLimit`: or it may be one that is meant. */
  | { readonly kind: 'veto'; readonly veto: NotifierReply; readonly isLimit: boolean };

/** Something in doubt goes to `doubts`, because it must not be lost behind what passed. */
async function playEnd(asker: Asker, end: End, doubts: string[]): Promise<Finding> {
  const LOOKS: readonly (() => Promise<Trace> | Trace)[] = [
    // What is kept of a block shows where another block of the node is agreed to.
    () => playOne(asker, end, asker.node, asker.node),
    // What is kept of a node shows on one that is as good as new.
    () => playOne(asker, end, asker.otherNode(), asker.otherNode()),
    // What is kept of everything showed in the beginning.
    () => firstTrace(asker, end),
  ];
  let doubt: string | undefined;
  for (const look of LOOKS) {
    const trace = await look();
    if (trace.kind === 'none') return PASSED;
    if (trace.kind === 'unknown') continue;
    const seen = `after ${end.going} and ${end.end} of one run ${end.going} of the next got ${quoteReply(trace.veto)}`;
    if (!trace.isLimit) return failed(`${seen}, which was agreed to before`);
    doubt ??= seen;
  }
  if (doubt === undefined) return NOTHING_HELD;
  doubts.push(`${doubt}; right for a limit or a pause of its own, wrong if that is what it should have given back`);
  return undecided(doubt);
}

/** One operation on `node`; `elsewhere` is a node of which another block shows whether it vetoes everything now. */
async function playOne(asker: Asker, { going, end }: End, node: string, elsewhere: string): Promise<Trace> {
  const run = asker.run({ node });
  const isFree = verdictOf(await asker.askDry(run, going)) === 'agreed';
  if (!isFree || verdictOf(await asker.ask(run, going)) !== 'agreed') return UNKNOWN;
  if ((await asker.ask(run, end)).kind === 'error') return UNKNOWN;
  const next = await asker.askDry(run, going);
  if (next.kind === 'error') return UNKNOWN;
  if (verdictOf(next) === 'agreed') return { kind: 'none' };
  const other = await asker.askDry(asker.run({ node: elsewhere }), going);
  return { kind: 'veto', veto: next, isLimit: isPause(next) || verdictOf(other) !== 'agreed' };
}

/** The very first operation was agreed to, and the second was not: a limit of more than one would show later. */
function firstTrace(asker: Asker, { going, end }: End): Trace {
  const [first, second] = asker.seen.operations;
  if (first?.going !== going || first.end !== end || second?.going !== going || !second.isAlone) return UNKNOWN;
  if (verdictOf(first.reply) !== 'agreed' || verdictOf(second.reply) !== 'vetoed') return UNKNOWN;
  return { kind: 'veto', veto: second.reply, isLimit: isPause(second.reply) };
}

function isPause(veto: NotifierReply): boolean {
  return answerOf(veto)?.retryAfterSeconds !== undefined;
}

const UNKNOWN: Trace = { kind: 'unknown' };
