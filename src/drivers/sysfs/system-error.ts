/** What a system call failed with. */
import { errnoName } from '../../kernel/errno.ts';

/**
 * The name of the errno in `error`, which node:fs threw. From the number where there is one: libuv has names for some of
 * the numbers only, and calls the others "Unknown system error -133". Not the name of any errno where nothing tells.
 */
export function errnoOf(error: unknown): string {
  const { errno, code } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : errnoName(-errno)) ?? code ?? 'EIO';
}
