/** Ctrl-C arrives more than once for one keystroke: from the terminal, from npm, and from the script that npm runs. */
const SAME_KEYSTROKE_MS = 500;

/** The user wants it to end. */
export class Interruption extends Error {
  constructor(signal: string) {
    super(`ended by ${signal}`);
    this.name = 'Interruption';
  }
}

/** Calls `onFirst` when the user asks this process to end, and `onAgain` when that is asked once more. */
export function onInterruption(onFirst: (why: Interruption) => void, onAgain: () => void): void {
  let firstMs: number | undefined;
  const handle = (signal: string): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      onFirst(new Interruption(signal));
    } else if (nowMs - firstMs > SAME_KEYSTROKE_MS) onAgain();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  // Nobody reads any more: the pager was quit, or the terminal closed.
  process.stdout.on('error', () => {
    if (firstMs === undefined) handle('SIGPIPE');
  });
}
