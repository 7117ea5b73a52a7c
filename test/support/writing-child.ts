/** A process that stands for a real write: it inherits the gate, writes until its standard input ends, or it is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface WritingChild {
  readonly pid: number;
  /** Resolves when it has ended, and with it every lock that only it held. */
  readonly ended: Promise<unknown>;
  /** Lets the write end. */
  finish(): Promise<unknown>;
}

/** Resolves when it runs: until then a process that is being made holds descriptors of ours besides those given. */
export async function startWritingChild(descriptors: readonly number[]): Promise<WritingChild> {
  const script = 'echo writing; read -r line';
  const child: ChildProcess = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore', ...descriptors] });
  const ended = once(child, 'close');
  if (child.stdout) await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    ended,
    finish: () => {
      child.stdin?.end();
      return ended;
    },
  };
}
