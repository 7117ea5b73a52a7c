/**
 * Threads that look names up. getaddrinfo(3) blocks the thread it runs on, nothing interrupts it, and while a name server
 * is silent it lasts for many seconds. libuv runs it in its pool, at most half of whose threads it may have: two of four.
 */
const SIZE = 'UV_THREADPOOL_SIZE';
/** What libuv takes when the variable is not set, and at most. */
const SIZE_DEFAULT = 4;
const SIZE_MAX = 1024;
/** Costs 1 MiB and 3 ms, once. */
const SIZE_NEEDED = 128;

/** To be called before this process first uses the pool: libuv makes all its threads then. A pool set larger stays so. */
export function provideLookupThreads(env: NodeJS.ProcessEnv = process.env): void {
  if (poolSize(env) < SIZE_NEEDED) env[SIZE] = String(SIZE_NEEDED);
}

/**
 * How many lookups of webhooks may be under way at a time: three quarters of those that the pool runs side by side (48
 * where threads were provided). The rest stays free for the other names of the process, as that of the API server.
 */
export function lookupsMax(env: NodeJS.ProcessEnv = process.env): number {
  const sideBySide = Math.floor((poolSize(env) + 1) / 2);
  return Math.max(1, Math.floor((sideBySide * 3) / 4));
}

function poolSize(env: NodeJS.ProcessEnv): number {
  const given = env[SIZE];
  if (given === undefined) return SIZE_DEFAULT;
  return Math.min(SIZE_MAX, Math.max(1, Number.parseInt(given, 10) || 1));
}
