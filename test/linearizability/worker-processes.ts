/** The worker processes: real ones, so that kill -9 is real. */
import path from 'node:path';
import type { ProcessGroup, SupervisedChild } from '../../src/dev/supervise.ts';
import type { SeededRandom } from './random.ts';

export interface WorkerProcessOptions {
  readonly processes: ProcessGroup;
  readonly address: string;
  readonly cluster: string;
  readonly bundle: string;
  readonly recordsUrl: string;
}

export class WorkerProcesses {
  private readonly options: WorkerProcessOptions;
  private readonly running: SupervisedChild[] = [];
  private started = 0;

  constructor(options: WorkerProcessOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    const { processes, address, cluster, bundle, recordsUrl } = this.options;
    this.started += 1;
    const script = path.join(import.meta.dirname, 'worker-process.ts');
    const child = await processes.start({
      name: `worker-${String(this.started)}`,
      command: process.execPath,
      args: [script, address, cluster, bundle, recordsUrl],
    });
    this.running.push(child);
  }

  /** kill -9 of one; another takes its place at once. */
  async killOne(random: SeededRandom): Promise<void> {
    const victim = random.pick(this.running);
    this.running.splice(this.running.indexOf(victim), 1);
    await victim.kill();
    await this.start();
  }
}
