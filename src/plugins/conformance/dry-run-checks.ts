/** A dry run is asked what it would say, for a person who only wants to know (`memhp explain`). */
import type { Asker } from './asker.ts';
import { failed, PASSED, undecided, type Check, type Finding } from './check.ts';
import { onEachRoad } from './each-road.ts';
import type { Road } from './road.ts';
import { quoteReply, verdictOf } from './verdict.ts';

const SECTION = 'plugins.md#what-a-plugin-is-asked';
/** More than a plugin that counts operations lets through at a time, as a rule. */
const DRY_RUNS = 10;

/** Each for another operation on the same block, and none of them ever gets a CANCEL. */
export const dryRunLeavesNoTrace: Check = {
  name: 'dry-run-leaves-no-trace',
  rule: 'dryRun changes nothing: however often it is asked so, it says the same',
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['going'], (road) => askDryOften(asker, road)),
};

async function askDryOften(asker: Asker, { going }: Road): Promise<Finding> {
  const block = asker.run();
  const first = await asker.askDry(block, going);
  if (first.kind === 'error') return failed(`${going} with dryRun: ${quoteReply(first)}`);
  for (let asked = 1; asked < DRY_RUNS; asked++) {
    const reply = await asker.askDry(block, going);
    if (verdictOf(reply) === verdictOf(first)) continue;
    return failed(
      `${going} with dryRun: first ${quoteReply(first)}; after ${String(asked)} of it ${quoteReply(reply)}`,
    );
  }
  return PASSED;
}

export const dryRunVerdict: Check = {
  name: 'dry-run-verdict',
  rule: 'dryRun is answered as the operation itself would be',
  section: SECTION,
  play: (asker) => onEachRoad(asker, ['going'], (road) => compareWithReal(asker, road)),
};

async function compareWithReal(asker: Asker, { going }: Road): Promise<Finding> {
  const run = asker.run();
  const dry = await asker.askDry(run, going);
  const real = await asker.ask(run, going);
  await asker.takeBack();
  if (dry.kind === 'error' || real.kind === 'error') return undecided('one of the two got no answer');
  if (verdictOf(dry) === verdictOf(real)) return PASSED;
  const again = await asker.askDry(run, going);
  // What it answers has changed meanwhile: a window has closed, or the dry run was none, which is another check's.
  if (verdictOf(again) !== verdictOf(dry)) return undecided('what it says to a dry run changed in between');
  return failed(`${going} with dryRun: ${quoteReply(dry)}; in earnest: ${quoteReply(real)}`);
}
