/** One run: servers, workers, load and faults; then the verdict. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { supervise } from '../../src/dev/supervise.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';
import { eventually } from '../support/eventually.ts';
import { installTestRuntime } from '../support/test-runtime.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { HistoryClock } from './clock.ts';
import { Faults, type FaultCount, type FaultKind } from './faults.ts';
import { Fence } from './fence.ts';
import { writeHistory, type HistoryRecord } from './history.ts';
import { Load } from './load.ts';
import { startLockRecordServer } from './lock-record-server.ts';
import type { ObservedClient } from './observed-client.ts';
import { SeededRandom } from './random.ts';
import { ALL_SCRIPTS, HOLD_MS, PATIENCE_MS, type HoldTimes, type ScriptName } from './scripts.ts';
import { createStandInAgent } from './stand-in-agent.ts';
import { WorkerProcesses } from './worker-processes.ts';

export interface RunOptions {
  /** At most so long, from the first client's end on; a run whose faults are done before, and that has lasted `secondsLeast`, ends then. */
  readonly seconds: number;
  readonly secondsLeast?: number;
  readonly kinds: readonly FaultKind[];
  /** Of each kind, while a lock is held. */
  readonly faults: number;
  readonly pauseMs?: { readonly least: number; readonly most: number };
  readonly seed: number;
  readonly clientsPerNode?: number;
  /** Unset: all. */
  readonly scripts?: readonly ScriptName[];
  readonly holdMs?: HoldTimes;
  /** How long the clients may take to end after the last fault. */
  readonly drainMs?: number;
  /** Logs and the database of a run that fails are not worth keeping. */
  readonly isFailureWanted?: boolean;
  /** Workflow bundle instead of the real one. */
  readonly bundle?: () => Promise<{ code: string }>;
  /** Names of the files under out/. */
  readonly name: string;
  readonly log: (line: string) => void;
}

export interface RunResult extends Verdict {
  readonly counts: ReadonlyMap<FaultKind, FaultCount>;
  readonly repeated: number;
  readonly grants: number;
  readonly refusals: ReadonlyMap<string, number>;
  /** Those who had time for every recovery, and timed out all the same. */
  readonly forgotten: readonly string[];
  readonly unknown: number;
  readonly renewals: number;
  readonly settlements: number;
  readonly queueMax: number;
  /** Why the load could not end by itself; undefined: it could. */
  readonly stuck?: string;
  readonly history: string;
  readonly html: string;
}

const NODES = ['node-a', 'node-b'];
const WORKERS = 2;
/** Worker processes start, and build nothing. */
const START_LIMIT_MS = 60_000;
const CLIENTS_PER_NODE = 8;
const PAUSE_MS = { least: 200, most: 1_500 };
/** Whoever has not ended so long after the last fault will not: longer than any recovery, shorter than a client's patience. */
const DRAIN_MS = 60_000;
const OUT = path.join(import.meta.dirname, '../../out/linearizability');

/** What a run has started, to be ended in the reverse order. */
interface Stage {
  readonly load: Load;
  readonly faults: Faults;
  readonly fence: Fence;
  readonly temporal: TemporalConnections;
  readonly cluster: string;
}

export async function runLinearizability(options: RunOptions): Promise<RunResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-linearizability-'));
  const cleanups: (() => Promise<unknown>)[] = [];
  try {
    const stage = await openStage(options, directory, cleanups);
    const stuck = await play(options, stage);
    const result = await judge(options, stage, stuck);
    const isGood = result.verdict === 'linearizable' && !stuck && result.forgotten.length === 0;
    if (isGood || options.isFailureWanted) {
      cleanups.unshift(() => rm(directory, { recursive: true, force: true }));
    } else options.log(`logs and the database stay in ${directory}`);
    return result;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup().catch(() => undefined);
  }
}

async function openStage(options: RunOptions, directory: string, cleanups: (() => Promise<unknown>)[]): Promise<Stage> {
  const { kinds, faults: wanted, pauseMs = PAUSE_MS, clientsPerNode = CLIENTS_PER_NODE, seed } = options;
  const { scripts = ALL_SCRIPTS, holdMs = HOLD_MS } = options;
  const random = new SeededRandom(seed);
  const clock = new HistoryClock();
  const cluster = `lin-${randomUUID().slice(0, 8)}`;
  const processes = supervise({ logDirectory: directory });
  cleanups.push(() => processes.stopAll());
  const bundle = path.join(directory, 'workflows.js');
  await writeFile(bundle, (await (options.bundle ?? realWorkflows)()).code);
  const tools = await acquireTools(['temporal']);
  const server = await startTemporal({ tools, processes, stateDirectory: directory, headless: true });
  const temporal = await connectTemporal(installTestRuntime(), new AbortController().signal, server);
  if (!temporal) throw new Error('unreachable: nothing aborts this wait');
  cleanups.push(() => temporal.close());
  const { client, native: connection, namespace } = temporal;
  const records = await startLockRecordServer();
  cleanups.push(() => records.stop());

  const workers = new WorkerProcesses({
    processes,
    address: server.address,
    cluster,
    bundle,
    recordsUrl: records.url,
  });
  for (let started = 0; started < WORKERS; started++) await workers.start();
  const load = new Load({ client, cluster, nodes: NODES, clientsPerNode, scripts, holdMs, clock, random });
  const fence = new Fence();
  const agents = await Promise.all(
    NODES.map((node) => createStandInAgent({ connection, namespace, cluster, node, fence, clients: load.observed })),
  );
  const running = agents.map((agent) => agent.run());
  cleanups.push(async () => {
    for (const agent of agents) agent.shutdown();
    await Promise.all(running);
  });
  const lockActivities = createLockActivities(client);
  const common = { client, cluster, nodes: NODES, load, clock, random, server, workers, lockActivities };
  return { load, fence, temporal, cluster, faults: new Faults({ kinds, wanted, pauseMs, ...common }) };
}

/** Load and faults, until time is up; then without faults until all clients have ended. Tells why if they do not. */
async function play(
  { seconds, secondsLeast = seconds, drainMs = DRAIN_MS, log }: RunOptions,
  { load, faults, temporal, cluster }: Stage,
): Promise<string | undefined> {
  load.start();
  await eventually('a first client has ended by itself', () => load.ended.length > 0, { limitMs: START_LIMIT_MS });
  const timeUp = AbortSignal.timeout(seconds * 1_000);
  const enough = new AbortController();
  const signal = AbortSignal.any([timeUp, enough.signal]);
  const least = delay(secondsLeast * 1_000);
  const repeating = faults.repeatMessages(signal);
  await faults.run(signal);
  await Promise.race([least, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))]);
  enough.abort();
  await repeating;
  log('no more faults; the clients that run end by themselves');
  const drained = await Promise.race([load.stop().then(() => true), delay(drainMs, false)]);
  if (drained) return undefined;
  const stuck = await describeStuck(load, temporal, cluster, drainMs);
  await load.abandon();
  return stuck;
}

/** Judges what was seen. */
async function judge({ name, log }: RunOptions, stage: Stage, stuck: string | undefined): Promise<RunResult> {
  const { load, faults, fence } = stage;
  await mkdir(OUT, { recursive: true });
  const history = path.join(OUT, `${name}.jsonl`);
  const html = path.join(OUT, `${name}.html`);
  const seen: HistoryRecord[] = [...load.history(), ...faults.records];
  await writeHistory(history, seen);
  log(`checking ${String(seen.length)} records`);
  const verdict = await checkHistory({ history, html });
  const acquisitions = seen.filter((record) => record.op === 'acquire');
  return {
    ...verdict,
    counts: faults.counts,
    repeated: faults.repeated,
    grants: acquisitions.filter(({ result }) => result === 'granted').length,
    refusals: countBy([...load.observed.values()].flatMap(({ outcome }) => outcome?.errno ?? [])),
    forgotten: [...load.observed.values()].filter(isForgotten).map(({ name: client }) => client),
    unknown:
      acquisitions.filter(({ result }) => result === 'unknown').length +
      seen.filter((record) => record.op === 'release' && record.return === null).length,
    renewals: seen.filter(({ op }) => op === 'renew').length,
    settlements: fence.settlements,
    queueMax: load.queueMax,
    history,
    html,
    ...(stuck === undefined ? {} : { stuck }),
  };
}

function isForgotten({ outcome, steps }: ObservedClient): boolean {
  const isPatient = steps.every((step) => step.kind !== 'take' || step.timeoutMs === PATIENCE_MS);
  return outcome?.errno === 'ETIMEDOUT' && isPatient;
}

async function describeStuck(
  load: Load,
  { client }: TemporalConnections,
  cluster: string,
  drainMs: number,
): Promise<string> {
  const clients = [...load.live].map(
    ({ observed, workflowId }) => `${observed.name} (${workflowId}) waits for ${observed.waitingFor.join(', ')}`,
  );
  const tables = await Promise.all(
    NODES.map(async (node) => {
      const handle = client.workflow.getHandle(nodeLocksWorkflowId(cluster, node));
      const table = await handle.query<LockTableView>(LOCK_TABLE_QUERY).catch((error: unknown) => String(error));
      return `${node}: ${JSON.stringify(table)}`;
    }),
  );
  return [`after ${String(drainMs / 1_000)} s:`, ...clients, ...tables].join('\n');
}

function realWorkflows(): Promise<{ code: string }> {
  return bundleWorkflows(path.join(import.meta.dirname, 'workflows.ts'));
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
