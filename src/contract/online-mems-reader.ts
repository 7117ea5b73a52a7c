/** Processes that hold memory in place, as people read about them. */
import type { OnlineMemsReader } from './activities.ts';

/** So many are named; a condition is a sentence, not a list. */
const NAMED_MAX = 3;

/** `rsync (pid 123) since 12:01:07Z, node (pid 124), which writes for an agent that has gone, since 12:01:07Z and 2 more`. */
export function describeReaders(readers: readonly OnlineMemsReader[]): string {
  if (readers.length === 0) return 'processes that the agent cannot see';
  const named = readers.slice(0, NAMED_MAX).map(({ command, pid, since, writes }) => {
    const role = writes ? ', which writes for an agent that has gone,' : '';
    return `${command} (pid ${String(pid)})${role} since ${since.slice(11, 19)}Z`;
  });
  const more = readers.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${String(more)} more` : named.join(', ');
}
