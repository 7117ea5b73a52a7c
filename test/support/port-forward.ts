/** A way from this machine to a Service in the cluster, through the API server. */
import { eventually } from './eventually.ts';
import { openTerminal } from './readme-shell.ts';

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
  const terminal = await openTerminal([kubectl, ...args], { KUBECONFIG: kubeconfig });
  const close = (): Promise<void> => terminal.close();
  try {
    const address = await eventually(`port ${String(port)} of ${target} is forwarded`, () => {
      const found = /Forwarding from (127\.0\.0\.1:\d+)/.exec(terminal.output)?.[1];
      if (found === undefined && !terminal.isRunning) throw new Error(`kubectl port-forward ended: ${terminal.output}`);
      return found;
    });
    return { address, close };
  } catch (error) {
    await close();
    throw error;
  }
}
