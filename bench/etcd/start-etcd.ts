import path from 'node:path';
import { startOnFreePort } from '../../src/dev/start-on-free-port.ts';
import type { ProcessGroup } from '../../src/dev/supervise.ts';
import { waitUntilReady } from '../../src/dev/wait-until-ready.ts';

const READY_TIMEOUT_MS = 30_000;

/**
 * One etcd on loopback at its fastest: it does not wait for the disk, as a production etcd must. Ours is compared with
 * that. Answers its URL.
 */
export async function startEtcd(command: string, processes: ProcessGroup, stateDirectory: string): Promise<string> {
  return startOnFreePort(1, async (port = 0) => {
    const url = `http://127.0.0.1:${String(port)}`;
    const args = [
      `--data-dir=${path.join(stateDirectory, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync=true',
      '--log-level=warn',
    ];
    const etcd = await processes.start({ name: 'etcd', command, args });
    await waitUntilReady(etcd, async () => (await fetch(`${url}/health`)).ok, READY_TIMEOUT_MS);
    return url;
  });
}
