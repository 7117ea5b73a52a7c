import getPort from 'get-port';

const ATTEMPTS = 3;
/** How Go servers say that a port is taken. */
const BIND_FAILURE = /address already in use/i;

/**
 * Calls `start` with `portCount` free loopback ports. Another process may take a port between the
 * question and the server's bind: then again with other ports, three times in all.
 */
export async function startOnFreePort<T>(portCount: number, start: (...ports: number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const ports: number[] = [];
    while (ports.length < portCount) ports.push(await getPort({ host: '127.0.0.1' }));
    try {
      return await start(...ports);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof Error && BIND_FAILURE.test(error.message))) throw error;
    }
  }
}
