/** Whether somebody reset this workflow run to an earlier point of its history: it then does not know what it did after that. */

interface Runtime {
  readonly __TEMPORAL_ACTIVATOR__?: { readonly randomnessSeed?: readonly number[] };
}

/**
 * Replay hides a reset from workflow code, but for one thing: from the reset point on, the SDK draws its random numbers
 * from another seed. That is part of the history, hence the same in every replay. The SDK has no public name for the seed
 * (1.24); `test/lock-service/lock-recovery.test.ts` fails should it be renamed.
 */
export class ResetDetector {
  #seed = currentSeed();

  /** Whether the run was reset since it was created, or since the last `acknowledge`. */
  get isReset(): boolean {
    return currentSeed() !== this.#seed;
  }

  acknowledge(): void {
    this.#seed = currentSeed();
  }
}

function currentSeed(): string {
  const seed = (globalThis as Runtime).__TEMPORAL_ACTIVATOR__?.randomnessSeed;
  if (!seed)
    throw new Error('this version of the Temporal SDK does not show its random seed: a reset cannot be noticed');
  return seed.join();
}
