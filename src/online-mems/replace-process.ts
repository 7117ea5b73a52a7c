/** execvp(3): this process becomes another program and keeps its pid, its standard streams and one descriptor. */
import { constants as files } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';

const libc = koffi.load(null);
const fcntl = libc.func('int fcntl(int descriptor, int command, ...)') as (...args: unknown[]) => number;
const signal = libc.func('void *signal(int number, void *handler)') as (number: number, handler: null) => unknown;
const execvp = libc.func('int execvp(const char *file, const char **argv)') as (
  file: string,
  argv: readonly (string | null)[],
) => number;

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const STANDARD_STREAMS = [0, 1, 2];
/** Node ignores these two, and an ignored signal stays ignored in the next program. */
const IGNORED_BY_NODE = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];

/** Does not return, unless the program cannot be started: then the errno's name. PATH is searched. */
export function replaceProcess(command: string, args: readonly string[], keptDescriptor: number): string {
  // Node marks all that it was given as its own: without this the program would have no terminal.
  for (const descriptor of [...STANDARD_STREAMS, keptDescriptor]) fcntl(descriptor, F_SETFD, 'int', 0);
  for (const descriptor of STANDARD_STREAMS) setBlocking(descriptor);
  for (const number of IGNORED_BY_NODE) signal(number, null);
  execvp(command, [command, ...args, null]);
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${String(number)}`;
}

/** As for a child of Node: most programs do not expect EAGAIN from a stream that Node has read from. */
function setBlocking(descriptor: number): void {
  const flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & files.O_NONBLOCK) !== 0) fcntl(descriptor, F_SETFL, 'int', flags & ~files.O_NONBLOCK);
}
