/**
 * Everything behind `npm run bench`:
 *
 *   npm run bench -- locks      what it costs to take an operation's locks
 *   npm run bench -- readers    what it costs to keep memory from changing
 *   npm run bench -- notifiers  what it costs to ask notifier plugins
 *   npm run bench -- scale      what a fleet costs: time, memory, processor, requests, history events
 */
import { Command, InvalidArgumentError } from 'commander';
import { renderBudgets, type Budget } from './report/budget.ts';
import { renderMachine, type Machine } from './report/machine.ts';
import { reportFile, writeReport } from './report/write-report.ts';
import type { LocksOptions } from './locks/locks-benchmark.ts';
import { renderLocks } from './locks/locks-report.ts';
import type { NotifiersOptions } from './notifiers/notifiers-benchmark.ts';
import { renderNotifiers } from './notifiers/notifiers-report.ts';
import type { ReadersBenchmarkOptions } from './readers/readers-benchmark.ts';
import { renderReaders } from './readers/readers-report.ts';
import type { ScaleOptions } from './scale/scale-measurements.ts';
import { renderScale } from './scale/scale-report.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

/** On standard error, so that standard output is the result alone. */
function progress(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

interface Result {
  readonly machine: Machine;
  readonly budgets: readonly Budget[];
}

async function show(file: string, result: Result, table: string): Promise<void> {
  await writeReport(file, result);
  const { machine, budgets } = result;
  console.log(`${renderMachine(machine)}\n\n${table}\n\n${renderBudgets(budgets)}\n\nall figures: ${file}`);
}

interface OutputOption {
  readonly output: string;
}

const program = new Command('npm run bench --').description(
  'Each benchmark prints a table and says of each of its budgets whether it is met. What the columns mean: bench/README.md',
);

program
  .command('locks')
  .description("an operation's whole lock set: ours, mutex workflows, child workflow ids, etcd, and no lock at all")
  .option('--event-cycles <count>', 'cycles whose history events are counted', count, 5)
  .option('--rounds <count>', 'uncontended rounds', count, 20)
  .option('--per-round <count>', 'cycles of each variant in a round', count, 5)
  .option('--contenders <count>', 'how many want the same locks at once', count, 40)
  .option('--crowd-rounds <count>', 'contended rounds', count, 2)
  .option('--output <file>', 'where all figures go, as JSON', reportFile('locks'))
  .action(async ({ output, ...options }: LocksOptions & OutputOption) => {
    const { runLocksBenchmark } = await import('./locks/locks-benchmark.ts');
    const result = await runLocksBenchmark(options, progress);
    await show(output, result, renderLocks(result.measurements));
  });

program
  .command('readers')
  .description('getOnlineMems and putOnlineMems, in one process and across processes, beside an etcd lock')
  .option('--rounds <count>', 'how often each is measured', count, 3)
  .option('--milliseconds <count>', 'how long each measurement takes', count, 2_000)
  .option('--processes <count>', 'reader processes side by side', count, 2)
  .option('--concurrency <count>', 'readers at once in one process, on etcd', count, 32)
  .option('--output <file>', 'where all figures go, as JSON', reportFile('readers'))
  .action(async ({ output, ...options }: ReadersBenchmarkOptions & OutputOption) => {
    const { runReadersBenchmark } = await import('./readers/readers-benchmark.ts');
    const result = await runReadersBenchmark(options, progress);
    await show(output, result, renderReaders(result.measurements));
  });

program
  .command('notifiers')
  .description('chains of notifier plugins: inside the operator, webhooks, Temporal task queues, and none at all')
  .option('--rounds <count>', 'offlines with each chain', count, 20)
  .option('--output <file>', 'where all figures go, as JSON', reportFile('notifiers'))
  .action(async ({ output, ...options }: NotifiersOptions & OutputOption) => {
    const { runNotifiersBenchmark } = await import('./notifiers/notifiers-benchmark.ts');
    const result = await runNotifiersBenchmark(options, progress);
    await show(output, result, renderNotifiers(result.measurements));
  });

program
  .command('scale')
  .description('a fleet of simulated nodes: all blocks online, idle, a restart of the operator, and one large node')
  .option('--nodes <count>', 'nodes of the fleet', count, 50)
  .option('--blocks-per-node <count>', 'blocks of each', count, 40)
  .option('--idle-seconds <count>', 'how long nobody does anything', count, 30)
  .option('--large-node <count>', 'blocks of the one large node', count, 256)
  .option('--output <file>', 'where all figures go, as JSON', reportFile('scale'))
  .action(async ({ output, ...options }: ScaleOptions & OutputOption) => {
    const { runScaleBenchmark } = await import('./scale/scale-benchmark.ts');
    const result = await runScaleBenchmark(options, progress);
    await show(output, result, renderScale(result.measurements, result.options));
  });

await program.parseAsync();
