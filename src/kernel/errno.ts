/**
 * The errnos that memory hotplug can end in, by their kernel names and (positive) numbers.
 *
 * An operation's result carries the name; the number is what a notifier chain computes with
 * (`notifier_from_errno`). Source: include/uapi/asm-generic/errno-base.h and errno.h, v6.12.
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  ENOMEM: 12,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  EDEADLK: 35,
  ENOLCK: 37,
  E2BIG: 7,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
  ESTALE: 116,
  ECANCELED: 125,
  EHWPOISON: 133,
} as const satisfies Record<string, number>;

export type Errno = keyof typeof ERRNO;

const NAME_BY_NUMBER: ReadonlyMap<number, Errno> = new Map(
  Object.entries(ERRNO).map(([name, number]) => [number, name as Errno]),
);

/** The name of errno `number` (positive, as in `ERRNO`); undefined when it is none of ours. */
export function errnoName(number: number): Errno | undefined {
  return NAME_BY_NUMBER.get(number);
}

/** Whether `word` is an errno name that this project knows. */
export function isErrno(word: string): word is Errno {
  return Object.hasOwn(ERRNO, word);
}
