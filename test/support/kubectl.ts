import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** Longer than any `--timeout` that a test passes; a kubectl that hangs fails its test instead of the run. */
const TIMEOUT_MS = 60_000;

export interface KubectlResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real kubectl against one API server. */
export interface Kubectl {
  /** Runs it, and answers however it ends. `input` is given to its standard input: as it is, or as JSON. */
  run(args: readonly string[], input?: string | object): Promise<KubectlResult>;
  /** Runs it and answers what it printed; throws, with what it said, when it fails. */
  succeed(args: readonly string[], input?: string | object): Promise<string>;
}

export function createKubectl(executable: string, kubeconfig: string): Kubectl {
  // Discovery is cached by server address; a port used again by the next control plane must not find the old answers.
  const cacheDirectory = path.join(path.dirname(kubeconfig), 'kubectl-cache');
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cacheDirectory };

  const run: Kubectl['run'] = async (args, input = '') => {
    const child = spawn(executable, args, { env, timeout: TIMEOUT_MS });
    child.stdin.end(typeof input === 'string' ? input : JSON.stringify(input));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { status: child.exitCode, stdout, stderr };
  };

  return {
    run,
    succeed: async (args, input) => {
      const { status, stdout, stderr } = await run(args, input);
      if (status !== 0) throw new Error(`kubectl ${args.join(' ')} ended with status ${String(status)}: ${stderr}`);
      return stdout;
    },
  };
}
