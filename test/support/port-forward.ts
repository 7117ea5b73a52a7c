/** A way from this machine to a Service in the cluster, through the API server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { OrphanGuard } from '../../src/dev/orphan-guard.ts';

export interface PortForward {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  close(): Promise<void>;
}

export interface PortForwardOptions {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  /** `service/temporal`. */
  readonly target: string;
  readonly port: number;
}

/** Resolves when connections are taken. It ends with the pod behind the Service, or with `close`. */
export async function forwardPort(options: PortForwardOptions): Promise<PortForward> {
  const { kubectl, kubeconfig, namespace, target, port } = options;
  const args = ['--namespace', namespace, 'port-forward', '--address=127.0.0.1', target, `:${String(port)}`];
  const child = spawn(kubectl, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  await once(child, 'spawn');
  const guard = new OrphanGuard();
  guard.guard([child.pid ?? 0]);
  const close = async (): Promise<void> => {
    child.kill();
    await exited;
    await guard.dismiss();
  };
  let said = '';
  const address = new Promise<string>((resolve, reject) => {
    const read = (text: string): void => {
      said += text;
      const found = /Forwarding from (127\.0\.0\.1:\d+)/.exec(said);
      if (found?.[1] !== undefined) resolve(found[1]);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', read);
    void exited.then(() => {
      reject(new Error(`kubectl ${args.join(' ')} ended: ${said}`));
    });
  });
  try {
    return { address: await address, close };
  } catch (error) {
    await close();
    throw error;
  }
}
