/** Waits for `work`, but not for ever: rejects after `limitMs`, saying that `what` took too long. The work itself goes on. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`${what}: not within ${String(limitMs / 1000)} s`));
  }, limitMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
