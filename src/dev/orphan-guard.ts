import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/**
 * Kills the children when this process is gone without having stopped them, even by SIGKILL: a shell that reads a pipe
 * from us, and each line of which is the full list of process groups to kill at its end. Works wherever there is `sh`.
 */
export class OrphanGuard {
  static readonly #SCRIPT =
    'groups=; while read -r line; do groups=$line; done; for group in $groups; do kill -KILL -$group; done';
  #shell: ChildProcess | undefined;

  /** From now on exactly these process groups, each named by the pid of its leader. */
  guard(pids: readonly number[]): void {
    this.#shell ??= OrphanGuard.#start();
    this.#shell.stdin?.write(`${pids.join(' ')}\n`);
  }

  /** Everything guarded has ended in order. Resolves when the shell is gone. */
  async dismiss(): Promise<void> {
    const shell = this.#shell;
    this.#shell = undefined;
    if (!shell) return;
    const hasExited = shell.exitCode !== null || shell.signalCode !== null;
    shell.ref();
    shell.stdin?.end('\n');
    if (!hasExited) await once(shell, 'exit');
  }

  static #start(): ChildProcess {
    const shell = spawn('sh', ['-c', OrphanGuard.#SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    // The guard must not keep this process alive, nor bring it down should somebody kill the guard.
    shell.on('error', () => undefined);
    shell.stdin.on('error', () => undefined);
    shell.unref();
    if (shell.stdin instanceof Socket) shell.stdin.unref();
    return shell;
  }
}
