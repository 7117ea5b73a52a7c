/** Calls are delivered at least once: an operator that dies between asking and recording leaves the asking to the next. */
import type { NotifierReply } from '../../contract/notifier.ts';
import type { MemoryAction } from '../../kernel/memory-action.ts';
import type { Asker, PlayedRun } from './asker.ts';
import { onEachRoad } from './each-road.ts';
import { failed, PASSED, summarize, undecided, type Check, type Finding } from './check.ts';
import { quoteReply, verdictOf } from './verdict.ts';

const SECTION = 'plugins.md#what-a-plugin-can-rely-on-and-what-not';
/** The dead operator's call may still be under way while two others ask. */
const AT_ONCE = 3;
const NOTHING_TO_REPEAT = undecided('it answers no action that could be repeated');

/** A veto may turn into agreement, because what was in the way may be gone; agreement that was recorded is acted on. */
export const repeat: Check = {
  name: 'repeat',
  rule: 'the same call once more (same uid) is answered, and what was agreed to is not vetoed then',
  section: SECTION,
  async play(asker) {
    const findings: Finding[] = [];
    for (const { going, done } of asker.roads()) {
      const run = asker.run();
      for (const action of [going, done]) {
        if (!asker.answers(action)) continue;
        const first = await asker.ask(run, action);
        findings.push(compare(action, first, [await asker.ask(run, action)]));
      }
      await asker.takeBack();
    }
    return findings.length > 0 ? summarize(findings) : NOTHING_TO_REPEAT;
  },
};

export const repeatAtOnce: Check = {
  name: 'repeat-at-once',
  rule: `the same call ${String(AT_ONCE)} times at once is answered each time, alike`,
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['going'], ({ going }) => playAtOnce(asker, asker.run(), going)),
};

async function playAtOnce(asker: Asker, run: PlayedRun, going: MemoryAction): Promise<Finding> {
  const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => asker.ask(run, going)));
  const [first = replies[0], ...others] = replies.toSorted((a, b) => rank(a) - rank(b));
  return first ? compare(going, first, others) : NOTHING_TO_REPEAT;
}

/** Agreement first, as if it had been the first that was asked. */
function rank(reply: NotifierReply): number {
  return ['agreed', 'vetoed', 'unanswered'].indexOf(verdictOf(reply));
}

function compare(action: MemoryAction, first: NotifierReply, repeats: readonly NotifierReply[]): Finding {
  // A first call that fails is the business of other checks, unless it fails because of the repeats beside it.
  const worse = repeats.find(
    (reply) =>
      reply.kind === 'error' ||
      (action.includes('GOING') && verdictOf(first) === 'agreed' && verdictOf(reply) === 'vetoed'),
  );
  if (!worse) return PASSED;
  return failed(`${action}: ${quoteReply(first)}; the same again: ${quoteReply(worse)}`);
}
