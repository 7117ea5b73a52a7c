/** `npm run demo`: everything at once on this machine, and a story told with real commands. */
import { Command } from 'commander';
import { onInterruption } from './demo/interruption.ts';
import { Narrator } from './demo/narrator.ts';
import { runDemo } from './demo/run-demo.ts';

interface DemoCommandOptions {
  readonly exit?: true;
  readonly keep?: true;
  readonly directory?: string;
}

const options = new Command('npm run demo --')
  .description(
    'Starts etcd, kube-apiserver, Temporal with its UI, two operators and an agent of simulated nodes, tells a story ' +
      'with kubectl, and stays up until Ctrl-C.',
  )
  .option('--exit', 'end after the story; status 0 only if every step did what it says')
  .option('--keep', 'leave the directory with all logs and states')
  .option(
    '--directory <dir>',
    'put everything there; it must be empty or missing (default: a new one in the temporary directory)',
  )
  .parse()
  .opts<DemoCommandOptions>();

const interrupted = new AbortController();
onInterruption(
  (why) => {
    interrupted.abort(why);
  },
  () => {
    // What runs is killed by its guards as soon as this process is gone.
    process.stderr.write('killed at once; files may be left\n');
    process.exit(1);
  },
);
const startedMs = Number(process.env['MEMHP_COMMAND_STARTED_MS'] ?? performance.timeOrigin);
try {
  const narrator = new Narrator(process.stdout);
  process.exitCode = await runDemo({ ...options, narrator, startedMs, signal: interrupted.signal });
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// Not left to the event loop: an acquisition that was interrupted may still wait for another process.
process.exit();
