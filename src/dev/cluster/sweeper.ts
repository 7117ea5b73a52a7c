/** What a sandbox leaves on the machine, and who removes it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import path from 'node:path';

const SWEEP = path.join(import.meta.dirname, 'sandbox-sweep.sh');

export interface Sweeper {
  /** Of something to remove, before it is made. */
  tell(kind: 'process' | 'link' | 'cgroup' | 'directory', name: string): void;
  /** Resolves when everything is removed. */
  finish(): Promise<void>;
}

/**
 * A shell that removes everything it was told of when it is asked to, and also when this process ends, however that comes
 * about: it has a session of its own, which no terminal interrupts.
 */
export function startSweeper(): Sweeper {
  const sweeper = spawn('sh', [SWEEP], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const exited = once(sweeper, 'exit');
  sweeper.stdin.on('error', () => undefined);
  sweeper.unref();
  if (sweeper.stdin instanceof Socket) sweeper.stdin.unref();
  const told: string[] = [];
  return {
    tell: (kind, name) => {
      told.push(name);
      sweeper.stdin.write(`${kind} ${name}\n`);
    },
    finish: async () => {
      sweeper.ref();
      sweeper.stdin.end();
      const [status] = (await exited) as [number | null];
      if (status !== 0) throw new Error(`some of ${told.join(', ')} is left of the cluster; remove it by hand`);
    },
  };
}
