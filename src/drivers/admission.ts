/** Whether a step may be taken at all: the boot, the journal, the fence. */
import type { DriverCall, DriverResult } from '../contract/driver.ts';
import type { Errno } from '../kernel/errno.ts';
import { rememberTokens, staleness, type Fence } from './fencing.ts';
import { findEntry, hasSameTokens, type Journal } from './journal.ts';

export interface Admission<State> {
  /** With the tokens of `call`, if it was not refused. */
  readonly state: State;
  /** The answer to a step that is refused or was done before; unset: take it. */
  readonly result?: DriverResult;
}

/**
 * A repeat of a recorded step with the tokens it was done with is answered from the journal before fencing: answering
 * changes nothing, and a run whose reply got lost must learn what it did even if its locks have passed on since. After a
 * reboot nobody is told so, because what was done is gone with the boot.
 */
export function admit<State extends Fence & Journal & { readonly bootId: string }>(
  state: State,
  call: DriverCall,
): Admission<State> {
  if (call.bootId !== state.bootId) {
    return refuse(state, 'ESTALE', `the node has rebooted: boot ${call.bootId} is over, this is ${state.bootId}`);
  }
  const entry = findEntry(state, call);
  if (entry && hasSameTokens(entry, call)) return { state, result: entry.result };
  const stale = staleness(state, call);
  if (stale) {
    return { state, result: { ok: false, errno: 'ESTALE', message: stale.message, staleLock: stale.lock } };
  }
  const remembered = rememberTokens(state, call);
  if (entry) return { state: remembered, result: entry.result };
  if (needsBlock(call) && call.blockId === undefined) {
    return refuse(remembered, 'EINVAL', `${call.operation} ${call.step} is about one block: set blockId`);
  }
  return { state: remembered };
}

function refuse<State>(state: State, errno: Errno, message: string): Admission<State> {
  return { state, result: { ok: false, errno, message } };
}

function needsBlock({ operation, step }: DriverCall): boolean {
  if (operation === 'add' || operation === 'remove') return step === 'commit';
  return operation === 'online' || operation === 'offline';
}
