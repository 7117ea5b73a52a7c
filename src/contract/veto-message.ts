/** The sentence about a veto: written by the operation, and read again where it matters who vetoed. */
import type { Errno } from '../kernel/errno.ts';
import type { MemoryAction } from '../kernel/memory-action.ts';

export interface Veto {
  /** Name of the MemoryNotifier. */
  readonly by: string;
  readonly action: MemoryAction;
  readonly errno: Errno;
  readonly reason: string;
}

export function vetoMessage({ by, action, errno, reason }: Veto): string {
  return `vetoed by ${by} at ${action} (${errno}): ${reason}`;
}

/** Who vetoed, of a text that begins with a `vetoMessage`; undefined of any other. */
export function vetoerIn(message: string): string | undefined {
  return /^vetoed by (\S+) at /.exec(message)?.[1];
}
