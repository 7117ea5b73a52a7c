/** `memhp replay`: would this version go on with the workflows that are under way? Asked before an upgrade. */
import { Command, InvalidArgumentError } from 'commander';
import type { FoundHistory } from '../temporal/find-histories.ts';
import type { Replay } from '../temporal/replay-histories.ts';
import { askClusterId, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { say } from './say.ts';

interface ReplayOptions extends ClusterOptions {
  readonly since?: number;
  readonly limit: number;
  readonly query?: string;
  readonly history?: readonly string[];
}

/** What a replay works on, and how many there are. */
interface Source {
  readonly count: number;
  readonly histories: AsyncIterable<FoundHistory>;
  readonly close: () => Promise<void>;
}

const EXIT = { replays: 0, differs: 1, notKnown: 2 };
const CLOSED_PER_TYPE = 20;
const PROGRESS_MS = 2_000;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const EXPLANATION = `
Run it with the NEW version, before any of its operators runs: the histories of this cluster's open workflows, and of the last
that closed of each type, are replayed in this process. Nothing is started, signalled or changed; the server only reads.

Exit status: 0 all replay; 1 at least one differs: do not upgrade now; 2 it cannot be found out.

Examples:
  memhp replay --since 1d
  memhp replay --history old/*.json
  kubectl apply -f deploy/jobs/replay.yaml    # as a Job, with the new image`;

export function replayCommand(): Command {
  const command = new Command('replay')
    .description("before an upgrade: replay this cluster's workflows with this version")
    .option('--since <time>', 'closed workflows no older than this: 30m, 12h, 7d', parseSince)
    .option('--limit <n>', 'how many closed workflows of each type', parseCount, CLOSED_PER_TYPE)
    .option('--query <query>', 'instead: all workflows that this query of Temporal finds')
    .option(
      '--history <file...>',
      'instead: exported histories (temporal workflow show --output json); needs no server',
    )
    .addHelpText('after', EXPLANATION)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.replays : EXIT.notKnown))
    .action(async (options: ReplayOptions) => {
      try {
        process.exitCode = await replay(options);
      } catch (error) {
        say((error as Error).message);
        process.exitCode = EXIT.notKnown;
      }
    });
  return withClusterOptions(command);
}

async function replay(options: ReplayOptions): Promise<number> {
  const [{ replayHistories }, { renderReplay }, runtime] = await Promise.all([
    import('../temporal/replay-histories.ts'),
    import('./render-replay.ts'),
    quietRuntime(),
  ]);
  const source = options.history ? await fromFiles(options.history) : await fromServer(options);
  const replays: Replay[] = [];
  const tell = setInterval(() => {
    say(`replayed ${String(replays.length)} of ${String(source.count)}`);
  }, PROGRESS_MS);
  try {
    for await (const one of replayHistories(source.histories)) replays.push(one);
  } finally {
    clearInterval(tell);
    await source.close();
    await runtime.shutdown();
  }
  if (replays.length === 0) {
    say('no workflow of this cluster was found: nothing is under way that an upgrade could break');
    return EXIT.replays;
  }
  process.stdout.write(renderReplay(replays));
  return replays.some(({ failure }) => failure) ? EXIT.differs : EXIT.replays;
}

/** The SDK logs every failure at length; the table says it once. */
async function quietRuntime(): Promise<{ shutdown: () => Promise<void> }> {
  const [{ createLogger }, { installRuntime }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../temporal/install-runtime.ts'),
  ]);
  const log = createLogger({ process: 'replay', level: 'error', format: 'text' });
  log.silent = true;
  return installRuntime(log);
}

async function fromServer(options: ReplayOptions): Promise<Source> {
  const [{ connectClient }, { findRuns, readHistories }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/find-histories.ts'),
  ]);
  const { since, limit, query } = options;
  const cluster = query === undefined ? await askClusterId(options) : '';
  const { client, close } = await connectClient();
  const sinceMs = since === undefined ? {} : { sinceMs: Date.now() - since };
  const runs = await findRuns(client, { cluster, limit, ...sinceMs, ...(query === undefined ? {} : { query }) });
  return { count: runs.length, histories: readHistories(client, runs), close };
}

async function fromFiles(files: readonly string[]): Promise<Source> {
  const { readExportedHistory } = await import('../temporal/exported-history.ts');
  async function* histories(): AsyncGenerator<FoundHistory> {
    for (const file of files) yield await readExportedHistory(file);
  }
  return { count: files.length, histories: histories(), close: () => Promise.resolve() };
}

/** In ms. */
function parseSince(text: string): number {
  const [, amount, unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (amount === undefined || unitMs === undefined) throw new InvalidArgumentError('a time such as 30m, 12h or 7d');
  return Number(amount) * unitMs;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number, from 0');
  return Number(text);
}
