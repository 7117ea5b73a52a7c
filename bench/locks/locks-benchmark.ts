/** `npm run bench -- locks`: what it costs to take an operation's locks, ours beside the other ways to do it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { supervise } from '../../src/dev/supervise.ts';
import { createLogger } from '../../src/process/create-logger.ts';
import { connectTemporal } from '../../src/temporal/connect-temporal.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';
import { connectEtcd } from '../etcd/etcd-lock.ts';
import { startEtcd } from '../etcd/start-etcd.ts';
import type { Budget } from '../report/budget.ts';
import { describeMachine, type Machine } from '../report/machine.ts';
import { etcdContestant, workflowContestant, type Contestant } from './contestant.ts';
import { locksBudgets, type LocksMeasurement } from './locks-report.ts';
import { bundleLockWorkflows, startLockWorkers } from './lock-workers.ts';
import { measureEvents, type HistoryCost } from './measure-events.ts';
import { measureCrowds, measureUncontended } from './measure-times.ts';
import { CLUSTERS, WORKFLOW_VARIANTS } from './variants.ts';

export interface LocksOptions {
  readonly eventCycles: number;
  /** Of each contestant in turn: `perRound` cycles, uncontended. */
  readonly rounds: number;
  readonly perRound: number;
  readonly contenders: number;
  readonly crowdRounds: number;
}

export interface LocksResult {
  readonly machine: Machine;
  readonly options: LocksOptions;
  readonly measurements: readonly LocksMeasurement[];
  readonly budgets: readonly Budget[];
}

export async function runLocksBenchmark(
  options: LocksOptions,
  onProgress: (line: string) => void,
): Promise<LocksResult> {
  const tools = await acquireTools(['temporal', 'etcd']);
  const machine = await describeMachine(tools);
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-bench-'));
  const processes = supervise({ logDirectory: directory });
  const cleanups: (() => unknown)[] = [() => rm(directory, { recursive: true }), () => processes.stopAll()];
  try {
    onProgress('starting Temporal and etcd');
    const [{ address }, etcdUrl] = await Promise.all([
      startTemporal({ tools, processes, stateDirectory: directory, headless: true }),
      startEtcd(tools.etcd, processes, directory),
    ]);
    const measurements = await measureAll({ address, etcdUrl, cleanups }, options, onProgress);
    return { machine, options, measurements, budgets: locksBudgets(measurements, options.contenders) };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

interface Servers {
  readonly address: string;
  readonly etcdUrl: string;
  /** Called last first. */
  readonly cleanups: (() => unknown)[];
}

async function measureAll(
  { address, etcdUrl, cleanups }: Servers,
  options: LocksOptions,
  onProgress: (line: string) => void,
): Promise<readonly LocksMeasurement[]> {
  const log = createLogger({ process: 'bench', level: process.env['MEMHP_LOG_LEVEL'] ?? 'error', format: 'text' });
  installRuntime(log);
  const temporal = await connectTemporal(log, new AbortController().signal, { address });
  if (!temporal) throw new Error('unreachable: nothing aborts this wait');
  cleanups.push(() => temporal.close());
  const { client, native: connection, namespace } = temporal;
  const { code } = await bundleLockWorkflows();
  for (const { cluster, byUpdate } of CLUSTERS) {
    const workers = await startLockWorkers({ client, connection, namespace, cluster, byUpdate, code });
    cleanups.push(() => workers.stop());
  }
  const etcd = connectEtcd(etcdUrl);
  cleanups.push(() => etcd.close());
  const session = await etcd.openSession();
  cleanups.push(() => session.close());

  const histories = new Map<string, HistoryCost>();
  for (const variant of WORKFLOW_VARIANTS) {
    onProgress(`history events: ${variant.name}`);
    histories.set(variant.name, await measureEvents(client, 'events', variant, options.eventCycles));
  }
  const contestants: readonly Contestant[] = [
    ...WORKFLOW_VARIANTS.map((variant) => workflowContestant(client, variant)),
    etcdContestant(etcd, session),
  ];
  const uncontended = await measureUncontended(contestants, {
    ...options,
    onRound: (round) => onProgress(`uncontended: round ${String(round)} of ${String(options.rounds)}`),
  });
  const { contenders, crowdRounds } = options;
  const crowds = await measureCrowds(contestants, {
    contenders,
    rounds: crowdRounds,
    onRound: (round) =>
      onProgress(`${String(contenders)} contenders: round ${String(round)} of ${String(crowdRounds)}`),
  });
  return contestants.map(({ name }): LocksMeasurement => {
    const history = histories.get(name);
    return {
      name,
      uncontendedMs: uncontended[name] ?? [],
      crowds: crowds[name] ?? [],
      ...(history ? { history } : {}),
    };
  });
}
