/** `npm run bench -- notifiers`: what it costs to ask notifier plugins, by how they are reached and how many they are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { supervise } from '../../src/dev/supervise.ts';
import { createLogger } from '../../src/process/create-logger.ts';
import { connectTemporal } from '../../src/temporal/connect-temporal.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';
import type { Budget } from '../report/budget.ts';
import { describeMachine, type Machine } from '../report/machine.ts';
import { BenchmarkOperator } from './benchmark-operator.ts';
import { measureChains, type ChainMeasurement } from './measure-chains.ts';
import { notifiersBudgets } from './notifiers-report.ts';
import { startPluginProcesses } from './plugin-processes.ts';

export interface NotifiersOptions {
  readonly rounds: number;
}

export interface NotifiersResult {
  readonly machine: Machine;
  readonly options: NotifiersOptions;
  readonly measurements: readonly ChainMeasurement[];
  readonly budgets: readonly Budget[];
}

export async function runNotifiersBenchmark(
  options: NotifiersOptions,
  onProgress: (line: string) => void,
): Promise<NotifiersResult> {
  const tools = await acquireTools(['temporal']);
  const machine = await describeMachine(tools);
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-bench-'));
  const processes = supervise({ logDirectory: directory });
  const cleanups: (() => unknown)[] = [() => rm(directory, { recursive: true }), () => processes.stopAll()];
  try {
    onProgress('starting Temporal and the plugins');
    const { address } = await startTemporal({ tools, processes, stateDirectory: directory, headless: true });
    const log = createLogger({ process: 'bench', level: process.env['MEMHP_LOG_LEVEL'] ?? 'error', format: 'text' });
    installRuntime(log);
    const temporal = await connectTemporal(log, new AbortController().signal, { address });
    if (!temporal) throw new Error('unreachable: nothing aborts this wait');
    cleanups.push(() => temporal.close());
    const addresses = await startPluginProcesses({ processes, directory, temporalAddress: address });
    const operator = await BenchmarkOperator.start(temporal);
    cleanups.push(() => operator.stop());
    const measurements = await measureChains(operator, addresses, {
      ...options,
      onRound: (round) => {
        onProgress(round === 0 ? 'warm-up' : `round ${String(round)} of ${String(options.rounds)}`);
      },
    });
    return { machine, options, measurements, budgets: notifiersBudgets(measurements) };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}
