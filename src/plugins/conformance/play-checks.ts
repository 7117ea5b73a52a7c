import { MEMORY_ACTIONS, type MemoryAction } from '../../kernel/memory-action.ts';
import { chainGoesOn, everyAction, vetoReason } from './answer-checks.ts';
import { Asker } from './asker.ts';
import {
  cancelAfterVeto,
  cancelOfAnotherRun,
  cancelTwice,
  cancelWithoutGoing,
  outcomeWithoutGoing,
} from './cancel-checks.ts';
import type { Check, Finding } from './check.ts';
import { dryRunLeavesNoTrace, dryRunVerdict } from './dry-run-checks.ts';
import { largeNumbers, missingFields, unknownFields } from './event-checks.ts';
import { givesBack } from './gives-back.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { deadline, manyAtOnce } from './pressure-checks.ts';
import { repeat, repeatAtOnce } from './repeat-checks.ts';

/**
 * What holds on every transport, in an order that matters: an action without an answer is left out after the first, dry
 * runs come before anything is at stake, a plugin that hangs or breaks under pressure has said the rest before, and the
 * last look back at all answers.
 */
const CHECKS: readonly Check[] = [
  everyAction,
  dryRunLeavesNoTrace,
  dryRunVerdict,
  unknownFields,
  missingFields,
  largeNumbers,
  givesBack,
  cancelWithoutGoing,
  outcomeWithoutGoing,
  cancelAfterVeto,
  cancelTwice,
  cancelOfAnotherRun,
  repeat,
  repeatAtOnce,
  manyAtOnce,
  deadline,
];

export interface PlayOptions {
  /** What the plugin will be registered for; all actions when unset. */
  readonly actions?: readonly MemoryAction[];
  readonly node: string;
  readonly timeoutMs: number;
  /** How little time the shortest call leaves. */
  readonly shortDeadlineMs: number;
}

/** The checks that a plugin on this transport has to pass, in the order in which they are played. */
export function checksOf(plugin: Pick<PluginUnderTest, 'checks'>): readonly Check[] {
  return [...CHECKS, ...plugin.checks, chainGoesOn, vetoReason];
}

/**
 * Plays one check after the other, and takes back each time what it has asked for. Ends early when whoever iterates stops:
 * the plugin has been told the end of every operation then. Throws only when the plugin cannot be reached any more.
 */
export async function* playChecks(
  plugin: PluginUnderTest,
  options: PlayOptions,
): AsyncGenerator<{ readonly check: Check; readonly finding: Finding }> {
  const { actions = MEMORY_ACTIONS, ...rest } = options;
  const asker = new Asker({ ...rest, actions, notifier: 'plugin-test', ask: (event) => plugin.ask(event) });
  for (const check of checksOf(plugin)) {
    const finding = await check.play(asker);
    await asker.takeBack();
    yield { check, finding };
  }
}
