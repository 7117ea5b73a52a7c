/** What a plugin answers, whatever it is asked. */
import { isErrno } from '../../kernel/errno.ts';
import type { MemoryAction } from '../../kernel/memory-action.ts';
import { REASON_LENGTH_MAX, tellsMistake } from '../../contract/notifier-answer.ts';
import type { Asker } from './asker.ts';
import { failed, noted, PASSED, undecided, type Check } from './check.ts';
import { notAsked } from './each-road.ts';
import { ROADS } from './road.ts';
import type { SeenReply } from './seen.ts';
import { answerOf, isStop, quoteReply, verdictOf } from './verdict.ts';

const SECTION = 'plugins.md#what-it-may-answer';

/**
 * The first check of all: an action that gets no answer here is not asked about any more, so that one mistake is one
 * failure and the other checks say something about the rest.
 */
export const everyAction: Check = {
  name: 'every-action',
  rule: 'every action that it is registered for gets a well-formed answer in time; done() where it is none of its business',
  section: SECTION,
  async play(asker) {
    const seen: string[] = [];
    for (const { going, done, cancel } of ROADS) {
      for (const end of [cancel, done]) {
        for (const { action, reply } of await playRoad(asker, going, end)) {
          if (reply.kind === 'answer') continue;
          seen.push(`${action}: ${quoteReply(reply)}`);
          asker.giveUp(action);
        }
        // As on a node, where one operation is over before the next begins.
        await asker.takeBack();
      }
    }
    return seen.length === 0 ? PASSED : failed(seen.join('; '));
  },
};

/** What it says to an operation that begins and ends so, as far as it is registered for that. */
async function playRoad(asker: Asker, going: MemoryAction, end: MemoryAction): Promise<readonly SeenReply[]> {
  const run = asker.run();
  const first = asker.answers(going) ? await asker.ask(run, going) : undefined;
  const replies = first ? [{ action: going, reply: first }] : [];
  if (!asker.answers(end)) return replies;
  const last = await asker.ask(run, end);
  // An end that only comes amiss after its own veto is another check's.
  const isOdd = last.kind === 'error' && first !== undefined && verdictOf(first) === 'vetoed';
  return [...replies, { action: end, reply: isOdd ? await asker.ask(asker.run(), end) : last }];
}

/** Looks at what the other checks were answered. Not wrong, and seldom meant: in the kernel it does the same. */
export const chainGoesOn: Check = {
  name: 'chain-goes-on',
  rule: 'CANCEL, MEM_ONLINE and MEM_OFFLINE get NOTIFY_OK or NOTIFY_DONE: a stop keeps notifiers of lower priority from being told',
  section: SECTION,
  play({ seen: { ends } }) {
    if (ends.length === 0) return Promise.resolve(notAsked('cancel', 'done'));
    const stops = ends
      .filter(({ reply }) => isStop(reply))
      .map(({ action, reply }) => `${action}: ${quoteReply(reply)}`);
    return Promise.resolve(stops.length > 0 ? noted([...new Set(stops)].join('; ')) : PASSED);
  },
};

/** The last check of all: it looks at the vetoes that the others met with. */
export const vetoReason: Check = {
  name: 'veto-reason',
  rule: `a veto has a reason that a person can act on: words, not only an errno, and at most ${String(REASON_LENGTH_MAX)} characters; every field beside it is understood`,
  section: SECTION,
  play({ seen: { vetoes } }) {
    const problems = vetoes.map(({ action, reply }) => reasonProblem(action, answerOf(reply)?.reason));
    const seen = [...new Set(problems.filter((problem) => problem !== undefined))];
    if (seen.length > 0) return Promise.resolve(failed(seen.join('; ')));
    return Promise.resolve(vetoes.length > 0 ? PASSED : NOTHING_VETOED);
  },
};

/** An errno is not asked for: without one a veto is EPERM, as in the kernel. */
function reasonProblem(action: MemoryAction, reason = ''): string | undefined {
  const words = reason.trim();
  if (words === '') return `a veto of ${action} without a reason`;
  if (tellsMistake(words)) return `a veto of ${action} that says “${words}”`;
  if (isErrno(words.replace(/^-/, ''))) return `a veto of ${action} whose whole reason is “${words}”`;
  // Longer ones were cut when they were read.
  if (words.length >= REASON_LENGTH_MAX && words.endsWith('…')) return `a veto of ${action} whose reason was cut`;
  return undefined;
}

export const NOTHING_VETOED = undecided(
  'it vetoed nothing; test it once more with a --config, or a --node, under which it does',
);
