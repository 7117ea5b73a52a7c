/** `npm run bench -- readers`: getOnlineMems and putOnlineMems, beside a readers-writer lock on etcd. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { supervise, type ProcessGroup } from '../../src/dev/supervise.ts';
import { closeGateFiles, createGateFiles } from '../../src/online-mems/gate-files.ts';
import { startEtcd } from '../etcd/start-etcd.ts';
import type { Budget } from '../report/budget.ts';
import { describeMachine, type Machine } from '../report/machine.ts';
import type { ReaderResult, ReaderTask } from './reader-task.ts';
import { readersBudgets, type ReadersMeasurement } from './readers-report.ts';
import { runReaders } from './run-readers.ts';

export interface ReadersBenchmarkOptions {
  readonly rounds: number;
  /** Of each measurement. */
  readonly milliseconds: number;
  readonly processes: number;
  /** Readers at once in one process, for etcd at its best. */
  readonly concurrency: number;
}

export interface ReadersBenchmarkResult {
  readonly machine: Machine;
  readonly options: ReadersBenchmarkOptions;
  readonly measurements: readonly ReadersMeasurement[];
  readonly budgets: readonly Budget[];
}

interface Contest {
  readonly name: ReadersMeasurement['name'];
  readonly lock: ReaderTask['lock'];
  readonly processes: number;
}

export async function runReadersBenchmark(
  options: ReadersBenchmarkOptions,
  onProgress: (line: string) => void,
): Promise<ReadersBenchmarkResult> {
  const tools = await acquireTools(['etcd']);
  const machine = await describeMachine(tools);
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-bench-'));
  const group = supervise({ logDirectory: directory });
  try {
    onProgress('starting etcd');
    const url = await startEtcd(tools.etcd, group, directory);
    const node = path.join(directory, 'node');
    await mkdir(node);
    closeGateFiles(createGateFiles(node)); // as the agent does
    const measurements = await measureInTurns(contests(options, url, node), options, { group, directory }, onProgress);
    return { machine, options, measurements, budgets: readersBudgets(measurements) };
  } finally {
    await group.stopAll();
    await rm(directory, { recursive: true });
  }
}

function contests({ processes, concurrency }: ReadersBenchmarkOptions, url: string, node: string): readonly Contest[] {
  const ours = { kind: 'online-mems', directory: node } as const;
  const etcd = { kind: 'etcd', url, concurrency: 1 } as const;
  return [
    { name: 'ours, in process', lock: { ...ours, besideAnother: true }, processes: 1 },
    { name: 'ours, only reader', lock: { ...ours, besideAnother: false }, processes: 1 },
    { name: 'ours, across processes', lock: { ...ours, besideAnother: false }, processes },
    { name: 'etcd, in process', lock: etcd, processes: 1 },
    { name: 'etcd, many at once', lock: { ...etcd, concurrency }, processes: 1 },
    { name: 'etcd, across processes', lock: etcd, processes },
  ];
}

async function measureInTurns(
  contestants: readonly Contest[],
  { rounds, milliseconds: durationMs }: ReadersBenchmarkOptions,
  { group, directory }: { readonly group: ProcessGroup; readonly directory: string },
  onProgress: (line: string) => void,
): Promise<readonly ReadersMeasurement[]> {
  const results = contestants.map((): ReaderResult[][] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, lock, processes }] of contestants.entries()) {
      onProgress(`round ${String(round + 1)} of ${String(rounds)}: ${name}`);
      results[index]?.push([...(await runReaders(group, { lock, processes, durationMs, directory }))]);
    }
  }
  return contestants.map(({ name, processes }, index) => ({ name, processes, rounds: results[index] ?? [] }));
}
