/** Little time, and much at once. */
import { failed, PASSED, type Check } from './check.ts';
import { notAsked, onEachRoad } from './each-road.ts';
import { quoteReply } from './verdict.ts';

const SECTION = 'plugins.md#what-a-plugin-can-rely-on-and-what-not';
const NODES = 20;

/**
 * When the deadline passes the operation goes on without the answer, and CANCEL may overtake whatever the plugin is still
 * doing for GOING: what it then takes, nobody gives back.
 */
export const deadline: Check = {
  name: 'deadline',
  rule: 'it answers before the deadline of the event, also when it could not find out everything by then',
  section: SECTION,
  play(asker) {
    const withinMs = asker.shortDeadlineMs;
    return onEachRoad(asker, ['going'], async ({ going }) => {
      const reply = await asker.ask(asker.run(), going, { withinMs });
      if (reply.kind === 'answer') return PASSED;
      return failed(`${going} with ${String(withinMs / 1000)} s left: ${quoteReply(reply)}`);
    });
  },
};

/** Only one operation runs on a node at a time, so these are as many nodes. What they are answered is its own affair. */
export const manyAtOnce: Check = {
  name: 'many-at-once',
  rule: `operations on ${String(NODES)} nodes at the same time are each answered in time`,
  section: SECTION,
  async play(asker) {
    const [road] = asker.roads('going');
    if (!road) return notAsked('going');
    const runs = Array.from({ length: NODES }, () => asker.run({ node: asker.otherNode() }));
    const replies = await Promise.all(runs.map((run) => asker.ask(run, road.going)));
    const errors = replies.filter(({ kind }) => kind === 'error');
    const [first] = errors;
    if (!first) return PASSED;
    return failed(`${String(errors.length)} of ${String(NODES)} ${road.going} at once: ${quoteReply(first)}`);
  },
};
