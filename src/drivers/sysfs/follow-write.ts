/** Waits for a write on behalf of a step: heartbeats, and interrupts it where that step may be interrupted. */
import type { StepContext } from '../../contract/memory-driver.ts';
import type { RunningWrite } from './running-write.ts';

export interface WriteFollower {
  readonly context: StepContext;
  /** What is shown of it: `writing offline to memory40/state`. */
  readonly what: string;
  /** Set: the cancellation of the operation interrupts the write, and so does the time, if it is limited. */
  readonly interruptible?: { readonly timeoutMs?: number };
}

const HEARTBEAT_MS = 1_000;
/** A system call that has not returned by then after its interruption is in the middle of what cannot be interrupted. */
const SLOW_RETURN_MS = 5_000;
/** setTimeout takes what is longer for 1 ms. Three and a half weeks. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `over` is the end of the write, or the reason not to wait for it any longer. */
export async function followWrite(
  running: RunningWrite,
  over: Promise<void>,
  { context, what, interruptible }: WriteFollower,
): Promise<void> {
  const startMs = performance.now();
  const beat = (): void => {
    const seconds = Math.floor((performance.now() - startMs) / 1000);
    context.heartbeat(describe(running, what, seconds));
  };
  const onAbort = (): void => {
    running.interrupt('cancelled');
  };
  const onTimeout = (): void => {
    running.interrupt('timed-out');
  };
  const timeoutMs = interruptible?.timeoutMs;
  const deadline = timeoutMs === undefined ? undefined : setTimeout(onTimeout, Math.min(timeoutMs, LONGEST_TIMER_MS));
  const heartbeats = setInterval(beat, HEARTBEAT_MS);
  if (interruptible) context.signal.addEventListener('abort', onAbort, { once: true });
  if (interruptible && context.signal.aborted) onAbort();
  beat();
  try {
    await over;
  } finally {
    clearTimeout(deadline);
    clearInterval(heartbeats);
    context.signal.removeEventListener('abort', onAbort);
  }
}

function describe({ interruption }: RunningWrite, what: string, seconds: number): string {
  const since = `${what}: ${String(seconds)} s`;
  if (!interruption) return since;
  const slow = seconds * 1000 >= SLOW_RETURN_MS ? '; the kernel is where it cannot be interrupted' : '';
  return `${since}, interrupted (${interruption}), write(2) has not returned yet${slow}`;
}
