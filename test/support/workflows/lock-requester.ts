/** A workflow that asks for locks as a test tells it to, update by update. Runs in the sandbox. */
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import type { LockName, WantedLock } from '../../../src/kernel/lock.ts';
import { LockClient, type Refused, type Taken } from '../../../workflows/lock-client.ts';

export interface LockRequesterInput {
  readonly cluster: string;
  readonly node: string;
  readonly purpose: string;
  readonly timeoutMs?: number;
  readonly causedBy?: string;
}

export interface TakeCommand {
  readonly locks: readonly WantedLock[];
  readonly release?: readonly { readonly taken: Taken; readonly names?: readonly LockName[] }[];
  readonly tryLock?: boolean;
}

export const take = defineUpdate<Taken | Refused, [TakeCommand]>('take');
export const release = defineUpdate<readonly LockName[], [Taken, ...LockName[]]>('release');
export const suspect = defineUpdate<undefined, [Taken, string?]>('suspect');
/** The node has refused the token of this lock. */
export const refuse = defineUpdate<undefined, [LockName]>('refuse');
export const tokens = defineQuery<Readonly<Record<LockName, number>>>('tokens');
export const end = defineSignal('end');

/** Returns what it still held at its end. */
export async function lockRequester(input: LockRequesterInput): Promise<readonly LockName[]> {
  const scope = CancellationScope.current();
  const locks = new LockClient({ ...input, isCancelled: () => scope.consideredCancelled });
  let isOver = false;
  setHandler(take, ({ locks: wanted, ...options }) => locks.takeWith(options, ...wanted));
  setHandler(release, (taken, ...names) => locks.release(taken, ...names));
  setHandler(suspect, async (taken, reason) => {
    await locks.suspect(taken, reason);
    return undefined;
  });
  setHandler(refuse, (name) => {
    locks.noteRefused(name, locks.tokens[name]);
    return undefined;
  });
  setHandler(tokens, () => locks.tokens);
  setHandler(end, () => void (isOver = true));
  await CancellationScope.nonCancellable(() => condition(() => isOver));
  return locks.releaseAll();
}
