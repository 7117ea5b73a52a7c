/** What clients do: the sequences of the operations, and some that only a lock service without order would see. */
import { deviceLock, DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { LockName, WantedLock } from '../../src/kernel/lock.ts';
import type { ScriptStep } from './client-script.ts';
import type { SeededRandom } from './random.ts';

/** Blocks of one node: few, so that their locks are wanted by several at once. */
const BLOCKS = [0, 1, 2];
/** Beyond every recovery, also of one fault after the other: whoever waits so long was forgotten. */
export const PATIENCE_MS = 300_000;
const IMPATIENCE_MS = 400;
/** Of a step at the fence, in milliseconds. */
export interface HoldTimes {
  readonly least: number;
  readonly most: number;
}

/** From none at all to longer than a grant takes to arrive: whoever is granted the lock meanwhile is caught at it. */
export const HOLD_MS: HoldTimes = { least: 0, most: 200 };

const write = (name: LockName): WantedLock => ({ name, mode: 'write' });
const read = (name: LockName): WantedLock => ({ name, mode: 'read' });

export type ScriptName = 'online' | 'add' | 'reader' | 'device memory' | 'unordered' | 'inverted' | 'impatient';

/** What clients play unless told otherwise: as often as it stands here. */
export const ALL_SCRIPTS: readonly ScriptName[] = [
  'online',
  'online',
  'add',
  'reader',
  'reader',
  'reader',
  'device memory',
  'unordered',
  'inverted',
  'impatient',
];

export function pickScript(
  random: SeededRandom,
  names: readonly ScriptName[],
  holdMs: HoldTimes,
): readonly ScriptStep[] {
  return scriptOf(random.pick(names), random, holdMs);
}

function scriptOf(name: ScriptName, random: SeededRandom, { least, most }: HoldTimes): readonly ScriptStep[] {
  const [a = 0, b = 1] = random.shuffled(BLOCKS);
  const [D, M, L] = [DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK, deviceLock(a)];
  const use = (): ScriptStep => ({ kind: 'use', holdMs: random.between(least, most) });
  switch (name) {
    case 'online':
      return [take(write(D), write(L), write(M)), use(), release(M), use()];
    case 'add':
      return [take(write(D)), take(write(M)), use(), take(write(L)), use(), release(L), use()];
    case 'reader':
      return [take(read(M)), use()];
    case 'device memory':
      return [take(write(M)), use()];
    // Without device_hotplug_lock these two close cycles now and then, and are refused.
    case 'unordered':
      return [take(write(L)), use(), take(write(deviceLock(b))), use()];
    case 'inverted':
      return [take(write(M)), use(), take(write(L)), use()];
    case 'impatient':
      return [{ kind: 'take', locks: [write(D)], timeoutMs: IMPATIENCE_MS }, use()];
  }
}

function take(...locks: readonly WantedLock[]): ScriptStep {
  return { kind: 'take', locks, timeoutMs: PATIENCE_MS };
}

function release(...names: readonly LockName[]): ScriptStep {
  return { kind: 'release', names };
}
