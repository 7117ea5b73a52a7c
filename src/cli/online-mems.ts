/** `memhp online-mems run`: a command during which no memory block of a node changes. */
import { readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

interface RunOptions {
  readonly directory?: string;
  readonly node?: string;
  readonly stateDir?: string;
  readonly timeout?: number;
}

const STDERR = 2;
/** As of env(1) and timeout(1). */
const EXIT = { timedOut: 124, failed: 125, notExecutable: 126, notFound: 127 };

export function onlineMemsCommand(): Command {
  const run = new Command('run')
    .description('run a command during which no memory block of the node is added, removed or changes its state')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--directory <dir>', 'directory of the node; default: /run/memhp/<node>')
    .option('--node <name>', 'which node; default: the only one that this host has')
    .option('--state-dir <dir>', 'of simulated nodes: the --state-dir of their agent')
    .option('--timeout <seconds>', 'give up waiting for a change in progress after this long; default: never', seconds)
    .addHelpText(
      'after',
      `
The command replaces memhp: it has its pid, gets its signals, and its exit status is the command's own. Memory may change
again when it, and every child that inherited the lock's descriptor, has ended, however that happens.
Exit status of memhp itself: 124 timed out, 125 failed, 126 not executable, 127 not found.`,
    )
    .action(holdAndRun);
  return new Command('online-mems')
    .description("keep a node's memory as it is, for processes on the node: get_online_mems()")
    .addCommand(run);
}

async function holdAndRun([command = '', ...args]: readonly string[], options: RunOptions): Promise<void> {
  try {
    const { openOnlineMems } = await import('../online-mems/online-mems.ts');
    const mems = openOnlineMems({ directory: await directoryOf(options) });
    if (!mems.tryGetOnlineMems()) {
      say('a change of memory is in progress or waits; the command starts after it');
      await mems.getOnlineMems(options.timeout === undefined ? {} : { timeoutMs: 1000 * options.timeout });
    }
    const { replaceProcess } = await import('../online-mems/replace-process.ts');
    const errno = replaceProcess(command, args, mems.lockDescriptor);
    say(`cannot run ${command}: ${errno}`);
    process.exitCode = errno === 'ENOENT' ? EXIT.notFound : EXIT.notExecutable;
  } catch (error) {
    say((error as Error).message);
    process.exitCode = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT' ? EXIT.timedOut : EXIT.failed;
  }
}

/** Throws with what to do when the options do not name one node. */
async function directoryOf({ directory, node, stateDir }: RunOptions): Promise<string> {
  if (directory !== undefined) return directory;
  const { RUN_DIRECTORY } = await import('../online-mems/gate-files.ts');
  const parent = stateDir ?? RUN_DIRECTORY;
  if (node !== undefined) return join(parent, node);
  const nodes = subdirectories(parent);
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return join(parent, only);
  const found = nodes.length === 0 ? 'no node' : nodes.join(', ');
  throw new Error(`${parent} has ${found}: name one with --node, or start memhp agent on this host`);
}

function subdirectories(parent: string): readonly string[] {
  try {
    const entries = readdirSync(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('a number of seconds, such as 30');
  return value;
}

/** Without a stream: the command must find the terminal or pipe as it was. */
function say(message: string): void {
  writeSync(STDERR, `memhp: ${message}\n`);
}
