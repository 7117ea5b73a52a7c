/** `memhp replay`: would this version go on with the workflows that are under way? Asked before an upgrade. */
import { Command, InvalidArgumentError } from 'commander';
import type { HistoryQuery } from '../temporal/find-histories.ts';
import type { Replay } from '../temporal/replay-histories.ts';
import { withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { exitOnWrongUsage, statusOf } from './exit-status.ts';
import type { ReplaySource } from './replay-source.ts';
import { say } from './say.ts';

interface ReplayOptions extends ClusterOptions {
  readonly since?: number;
  readonly limit: number;
  readonly openLimit: number;
  readonly query?: string;
  readonly history?: readonly string[];
}

const EXIT = { replays: 0, differs: 1, notKnown: 2 };
const CLOSED_PER_TYPE = 20;
/** A minute or two; what one replays, its like replays too, but not surely. */
const OPEN_PER_TYPE = 1_000;
const PROGRESS_MS = 2_000;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const EXPLANATION = `
Run it with the NEW version, before any of its operators runs: the histories of this cluster's open workflows, and of the last
that closed of each type, are replayed in this process. Nothing is started, signalled or changed; the server only reads.

Kubernetes names the lock workflow of each node: if the Temporal namespace knows none of them, it is the wrong one. With
--cluster-id and without Kubernetes this is not compared, and finding no workflow at all means nothing.

Exit status: 0 all replay; 1 at least one differs: do not upgrade now; 2 it cannot be found out: the server or Kubernetes does
not answer, it is another namespace or cluster, or more workflows are open than --open-limit.

Examples:
  memhp replay --since 1d
  memhp replay --history old/*.json
  kubectl apply -f deploy/jobs/replay.yaml    # as a Job, with the new image`;

export function replayCommand(): Command {
  const command = new Command('replay')
    .description("before an upgrade: replay this cluster's workflows with this version")
    .option('--since <time>', 'closed workflows no older than this: 30m, 12h, 7d', parseSince)
    .option('--limit <n>', 'how many closed workflows of each type', parseCount, CLOSED_PER_TYPE)
    .option('--open-limit <n>', 'how many open workflows of each type', parseCount, OPEN_PER_TYPE)
    .option('--query <query>', 'instead: all workflows that this query of Temporal finds')
    .option(
      '--history <file...>',
      'instead: exported histories (temporal workflow show --output json); needs no server',
    )
    .addHelpText('after', EXPLANATION)
    .action(statusOf(EXIT.notKnown, replay));
  return withClusterOptions(exitOnWrongUsage(command, EXIT.notKnown));
}

async function replay(options: ReplayOptions): Promise<number> {
  const [{ replayHistories }, { renderReplay }, { fromFiles, fromServer }] = await Promise.all([
    import('../temporal/replay-histories.ts'),
    import('./render-replay.ts'),
    import('./replay-source.ts'),
  ]);
  const runtime = await quietRuntime();
  // Whatever happens from here on: the process lives as long as the runtime.
  try {
    const source = options.history ? await fromFiles(options.history) : await fromServer(options, wantedOf(options));
    if (source.doubt !== undefined) say(`this was not compared with Kubernetes: ${source.doubt}`);
    const replays = await collect(replayHistories(source.histories), source.count).finally(source.close);
    if (replays.length === 0) return tellNothing(source);
    process.stdout.write(renderReplay(replays));
    for (const gap of source.gaps) say(gap);
    if (replays.some(({ failure }) => failure)) return EXIT.differs;
    return source.gaps.length > 0 ? EXIT.notKnown : EXIT.replays;
  } finally {
    await runtime.shutdown();
  }
}

function wantedOf({ since, limit, openLimit, query }: ReplayOptions): Omit<HistoryQuery, 'cluster'> {
  return {
    ...{ limit, openLimit },
    ...(since === undefined ? {} : { sinceMs: Date.now() - since }),
    ...(query === undefined ? {} : { query }),
  };
}

/** Tells how far it is, every few seconds. */
async function collect(replays: AsyncIterable<Replay>, count: number): Promise<readonly Replay[]> {
  const done: Replay[] = [];
  const tell = setInterval(() => {
    say(`replayed ${String(done.length)} of ${String(count)}`);
  }, PROGRESS_MS);
  try {
    for await (const one of replays) done.push(one);
    return done;
  } finally {
    clearInterval(tell);
  }
}

function tellNothing({ doubt, gaps }: ReplaySource): number {
  for (const gap of gaps) say(gap);
  if (doubt !== undefined || gaps.length > 0) {
    say('no workflow was found, which may also mean that this is another namespace or cluster id: it is not known');
    return EXIT.notKnown;
  }
  say('no workflow of this cluster was found: nothing is under way that an upgrade could break');
  return EXIT.replays;
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
