/** What one client does with the locks of a node, written out before it starts: shared with the workflow that does it. */
import type { LockHolder, LockMode, LockName, WantedLock } from '../../src/kernel/lock.ts';

export type ScriptStep =
  /** One request, as a list; refused requests end the client. */
  | { readonly kind: 'take'; readonly locks: readonly WantedLock[]; readonly timeoutMs: number }
  /** A step at the fence with the tokens of all locks held. */
  | { readonly kind: 'use'; readonly holdMs: number }
  /** Some locks of the last request. */
  | { readonly kind: 'release'; readonly names: readonly LockName[] };

export interface ClientInput {
  readonly cluster: string;
  readonly node: string;
  readonly purpose: string;
  readonly steps: readonly ScriptStep[];
}

export interface ClientOutcome {
  /** Why a request was not granted, or ESTALE when a step was refused; unset: the script was played to its end. */
  readonly errno?: string;
}

export interface UseInput {
  readonly node: string;
  readonly owner: LockHolder;
  /** Index in the script. */
  readonly step: number;
  readonly tokens: Readonly<Record<LockName, number>>;
  readonly holdMs: number;
}

/** The client's side of the fence, an activity on the node's queue. */
export interface FenceActivities {
  use(input: UseInput): Promise<{ readonly isAccepted: boolean }>;
}

/** The locks that a client holds at `step`, if all went well so far, with their modes. */
export function heldAt(steps: readonly ScriptStep[], step: number): ReadonlyMap<LockName, LockMode> {
  const held = new Map<LockName, LockMode>();
  for (const one of steps.slice(0, step)) {
    if (one.kind === 'take') for (const { name, mode } of one.locks) held.set(name, mode);
    if (one.kind === 'release') for (const name of one.names) held.delete(name);
  }
  return held;
}
