/** CANCEL and the actions after the change go to the whole chain: also to a plugin that was never asked about the run. */
import { NOTHING_VETOED } from './answer-checks.ts';
import type { Asker, PlayedRun } from './asker.ts';
import { failed, PASSED, undecided, type Check, type Finding } from './check.ts';
import { onEachRoad } from './each-road.ts';
import type { Road } from './road.ts';
import { quoteReply, verdictOf } from './verdict.ts';

const SECTION = 'plugins.md#what-a-plugin-can-rely-on-and-what-not';

export const NOTHING_HELD = undecided(
  'it did not agree, so it holds nothing; test it under a --config or with a --node for which it does',
);

/** Somebody of higher priority has vetoed: nobody below was asked, and all are told. */
export const cancelWithoutGoing: Check = {
  name: 'cancel-without-going',
  rule: 'CANCEL of an operation that it was never asked about is answered, and undoes nothing',
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['cancel'], (road) => tellUnasked(asker, road, 'cancel')),
};

/** The GOING call was lost with a plugin's process, or the plugin was registered in between and a recovery tells it. */
export const outcomeWithoutGoing: Check = {
  name: 'outcome-without-going',
  rule: 'MEM_ONLINE and MEM_OFFLINE of an operation that it knows nothing of are answered, and undo nothing',
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['done'], (road) => tellUnasked(asker, road, 'done')),
};

/** First while another operation has something that could be lost, then while none has. */
async function tellUnasked(asker: Asker, road: Road, part: 'cancel' | 'done'): Promise<Finding> {
  const end = road[part];
  const seen = asker.answers(road.going) ? await tellBeside(asker, road.going, end) : undefined;
  if (seen !== undefined) return failed(seen);
  await asker.takeBack();
  const reply = await asker.ask(asker.run(), end);
  return reply.kind === 'answer' ? PASSED : failed(`${end} first of all: ${quoteReply(reply)}`);
}

/** What went wrong when the end of an unknown operation came while one was under way that had been agreed to. */
async function tellBeside(asker: Asker, going: Road['going'], end: Road['done']): Promise<string | undefined> {
  // The earlier one: a plugin may take the end of a later one for the end of all before.
  const unasked = asker.run();
  const present = asker.run();
  if (verdictOf(await asker.ask(present, going)) !== 'agreed') return undefined;
  const before = await asker.askDry(present, going);
  const reply = await asker.ask(unasked, end);
  if (reply.kind === 'error') return `${end} of an operation that it does not know: ${quoteReply(reply)}`;
  const after = await asker.askDry(present, going);
  if (verdictOf(before) !== 'vetoed' || verdictOf(after) !== 'agreed') return undefined;
  return `after ${end} of an operation that it does not know, another one gets what the present one has (it was vetoed before)`;
}

export const cancelAfterVeto: Check = {
  name: 'cancel-after-veto',
  rule: 'CANCEL is told to the plugin that vetoed, too, and is answered',
  section: SECTION,
  play: (asker) =>
    onEachRoad(asker, ['going', 'cancel'], async ({ going, cancel }) => {
      const run = asker.run();
      if (verdictOf(await asker.ask(run, going)) !== 'vetoed') return NOTHING_VETOED;
      const reply = await asker.ask(run, cancel);
      return reply.kind === 'answer' ? PASSED : failed(`${cancel} after its veto: ${quoteReply(reply)}`);
    }),
};

export const cancelTwice: Check = {
  name: 'cancel-twice',
  rule: 'a repeated CANCEL is answered: it was undone before',
  section: SECTION,
  play: (asker) =>
    onEachRoad(asker, ['going', 'cancel'], async (road) => {
      const { run, reply } = await cancelOne(asker, road);
      if (reply.kind === 'error') return undecided('the first CANCEL got no answer');
      const second = await asker.ask(run, road.cancel);
      return second.kind === 'answer' ? PASSED : failed(`the second ${road.cancel}: ${quoteReply(second)}`);
    }),
};

/** A repeat of CANCEL can come late, when the next operation on the block is under way already. */
export const cancelOfAnotherRun: Check = {
  name: 'cancel-of-another-run',
  rule: 'a late CANCEL of an earlier run (another runId) undoes nothing of what the present run has',
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['going', 'cancel'], (road) => cancelLate(asker, road)),
};

async function cancelLate(asker: Asker, road: Road): Promise<Finding> {
  const { going, cancel } = road;
  const { run: earlier } = await cancelOne(asker, road);
  const present = asker.run(earlier);
  if (verdictOf(await asker.ask(present, going)) !== 'agreed') return NOTHING_HELD;
  const before = await look(asker, present, going);
  if (before.present === 'unanswered')
    return undecided('a repeat of GOING gets no answer, so what it holds does not show');
  await asker.ask(earlier, cancel);
  const after = await look(asker, present, going);
  if (before.another === 'vetoed' && after.another === 'agreed') {
    return failed(`after the late ${cancel} another operation gets what the present one has (it was vetoed before)`);
  }
  if (before.present === 'agreed' && after.present !== 'agreed') {
    return failed(`after the late ${cancel} the present run is not agreed to any more`);
  }
  return PASSED;
}

/** A whole operation that came to nothing, and what CANCEL was answered. */
async function cancelOne(asker: Asker, { going, cancel }: Road) {
  const run = asker.run();
  await asker.ask(run, going);
  return { run, reply: await asker.ask(run, cancel) };
}

/** What it says to a third operation on the block (dry, since nobody runs it), and to a repeat of the present one. */
async function look(asker: Asker, present: PlayedRun, going: Road['going']) {
  return {
    another: verdictOf(await asker.askDry(present, going)),
    present: verdictOf(await asker.ask(present, going)),
  };
}
