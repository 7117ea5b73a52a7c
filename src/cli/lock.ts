/** `memhp lock`: a command during which locks of a node are held. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import type { HoldLocksInput, HoldLocksOutcome } from '../contract/hold-locks.ts';
import { commandTaskQueue } from '../contract/names.ts';
import { askClusterId, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { HeldCommand, statusOfSignal } from './held-command.ts';
import { parseLock } from './parse-lock.ts';
import { say } from './say.ts';
import { tellWaiting } from './tell-waiting.ts';
import { userAtHost } from './user-at-host.ts';

interface LockOptions extends ClusterOptions {
  readonly node: string;
  readonly timeout?: number;
  readonly try?: true;
  readonly causedBy?: string;
  readonly suspectAfter: number;
}

/** As of timeout(1) and env(1); those of the command itself are passed on. */
const EXIT = { notInTime: 124, failed: 125 };
const SUSPECT_AFTER_SECONDS = 10;
/** Of the command in what others read: a line of a terminal. */
const SHOWN_COMMAND_MAX = 80;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** A terminal sends these to every process of the foreground by itself. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
const EXPLANATION = `
The locks are held by a workflow and do not expire. While this process is not heard of (killed, stopped, cut off), memhp locks
shows it as suspect and keeps the locks, because the command may still run. That ends when the process is heard of again; or when
a human cancels the workflow (temporal workflow cancel), which gives the locks back; or with memhp locks release.

Exit status: that of the command; 124 not to be had in time, or at once with --try; 125 failed; 126 not executable; 127 not found.

Example:
  memhp lock --node worker-1 device_hotplug_lock -- ./replace-dimm.sh`;

export function lockCommand(): Command {
  const command = new Command('lock')
    .description('run a command while locks of a node are held')
    .argument(
      '<lock...>',
      'taken in this order: device_hotplug_lock, device_lock/memory32, mem_hotplug_lock[:r]; then -- and the command',
    )
    .requiredOption('--node <name>', 'the node whose locks they are')
    .option('--timeout <seconds>', 'give up waiting for the locks after this long; default: never', seconds)
    .option('--try', 'do not wait for the locks at all')
    .option(
      '--caused-by <workflow id>',
      'in a notifier plugin, the workflowId of the event: refused where that would wait',
    )
    .option('--suspect-after <seconds>', 'how long this process may be silent', seconds, SUSPECT_AFTER_SECONDS)
    .addHelpText('after', EXPLANATION)
    .action(async (operands: readonly string[], options: LockOptions) => {
      try {
        process.exitCode = await holdAndRun(operands, options);
      } catch (error) {
        say((error as Error).message);
        process.exitCode = EXIT.failed;
      }
    });
  return withClusterOptions(command);
}

async function holdAndRun(operands: readonly string[], options: LockOptions): Promise<number> {
  const [file, ...args] = wordsAfterDashes();
  if (file === undefined) throw new Error('what to run? Write it behind --: memhp lock --node N LOCK -- CMD');
  const locks = operands.slice(0, operands.length - args.length - 1).map(parseLock);
  if (locks.length === 0) throw new Error('which lock? Write it before --: memhp lock --node N LOCK -- CMD');
  const { client, close } = await connect();
  const cluster = await askClusterId(options);
  const session = randomUUID().slice(0, 8);
  const input: HoldLocksInput = {
    cluster,
    node: options.node,
    locks,
    purpose: `memhp lock (${userAtHost()} ${String(process.pid)}): ${[file, ...args].join(' ').slice(0, SHOWN_COMMAND_MAX)}`,
    taskQueue: commandTaskQueue(cluster, session),
    suspectAfterMs: options.suspectAfter * 1000,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }),
    ...(options.try ? { tryLock: true } : {}),
    ...(options.causedBy === undefined ? {} : { causedBy: options.causedBy }),
  };
  try {
    return await hold(client, session, input, new HeldCommand([file, ...args]));
  } finally {
    await close();
  }
}

/** The operands do not tell where the locks end and the command begins. */
function wordsAfterDashes(): readonly string[] {
  const dashes = process.argv.indexOf('--');
  return dashes === -1 ? [] : process.argv.slice(dashes + 1);
}

async function connect(): Promise<{ client: Client; close: () => Promise<void> }> {
  const [{ createLogger }, { installRuntime }, { connectClient }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../temporal/install-runtime.ts'),
    import('../temporal/connect-client.ts'),
  ]);
  // The terminal is the command's: what a worker has to say about outages is shown as suspicion elsewhere.
  installRuntime(createLogger({ process: 'lock', level: process.env['MEMHP_LOG_LEVEL'] ?? 'error', format: 'text' }));
  return connectClient();
}

async function hold(client: Client, session: string, input: HoldLocksInput, command: HeldCommand): Promise<number> {
  const [{ serveCommand }, { startHoldLocks, outcomeOf }, { LockServiceClient }] = await Promise.all([
    import('../temporal/command-worker.ts'),
    import('../temporal/start-hold-locks.ts'),
    import('../temporal/lock-service-client.ts'),
  ]);
  const serving = await serveCommand(input.taskQueue, {
    run: () => command.run(),
    end: () => command.signal('SIGTERM'),
  });
  const over = new AbortController();
  try {
    const holding = await startHoldLocks(client, session, input);
    const leave = forwardSignals(command, () => holding.cancel());
    const { cluster, node } = input;
    const service = new LockServiceClient(client, cluster);
    const telling = tellWaiting({ service, node, runId: holding.firstExecutionRunId, command, signal: over.signal });
    const status = await statusOf(await outcomeOf(holding).catch(lostHold), command);
    over.abort();
    await telling;
    leave();
    return status;
  } finally {
    over.abort();
    await serving.stop();
  }
}

/** Somebody terminated the workflow, or it has failed. */
function lostHold(error: unknown): { kind: 'lost'; message: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return { kind: 'lost', message: `${error instanceof Error ? error.message : String(error)}${cause}` };
}

async function statusOf(
  outcome: HoldLocksOutcome | ReturnType<typeof lostHold>,
  command: HeldCommand,
): Promise<number> {
  if (outcome.kind === 'ended') return outcome.status;
  if (outcome.kind === 'refused') {
    if (command.isDecided) return command.run();
    say(`${outcome.errno}: ${outcome.message}`);
    return ['EBUSY', 'ETIMEDOUT'].includes(outcome.errno) ? EXIT.notInTime : EXIT.failed;
  }
  say(
    outcome.kind === 'lost'
      ? `nothing holds the locks for certain any more (${outcome.message})`
      : 'the locks were given back: somebody cancelled the workflow that held them',
  );
  if (command.isRunning) say('ending the command');
  command.signal('SIGTERM');
  if (command.isDecided) await command.run();
  return EXIT.failed;
}

/** Returns how to stop. Before the command runs, a signal withdraws the request. */
function forwardSignals(command: HeldCommand, withdraw: () => Promise<unknown>): () => void {
  let isWarned = false;
  const forward = (signal: NodeJS.Signals): void => {
    if (command.isRunning) {
      if (!(process.stdin.isTTY && FROM_TERMINAL.includes(signal))) command.signal(signal);
    } else if (!command.isDecided) {
      command.forgo(statusOfSignal(signal));
      withdraw().catch((error: unknown) => say(`the request could not be withdrawn: ${String(error)}`));
    } else if (isWarned) process.exit(statusOfSignal(signal));
    else {
      isWarned = true;
      say('giving the locks back; interrupt once more to leave without waiting for that');
    }
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number of seconds, such as 30');
  return value;
}
