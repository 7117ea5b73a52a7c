/** A history as the checker reads it, one JSON object a line. Times are nanoseconds; `return: null`: never seen to end. */
import { writeFile } from 'node:fs/promises';
import type { LockMode, LockName } from '../../src/kernel/lock.ts';

interface OfHold {
  readonly client: number;
  /** One client's possession of one lock. */
  readonly hold: string;
  readonly node: string;
  readonly lock: LockName;
  readonly call: number;
  readonly return: number | null;
}

export type HistoryRecord =
  | (OfHold & {
      readonly op: 'acquire';
      readonly mode: LockMode;
      readonly result: 'granted' | 'refused' | 'unknown';
      readonly token?: number;
    })
  /** A recovery of the lock service renewed the token of what is held already. */
  | (OfHold & { readonly op: 'renew'; readonly token: number })
  | (OfHold & { readonly op: 'use'; readonly result: 'accepted' | 'refused'; readonly token: number })
  /** Given back, or its holder was closed by somebody: from `call` on it may be gone. */
  | (OfHold & { readonly op: 'release' })
  | { readonly op: 'fault'; readonly label: string; readonly call: number; readonly return: number };

export async function writeHistory(file: string, history: readonly HistoryRecord[]): Promise<void> {
  await writeFile(file, history.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
