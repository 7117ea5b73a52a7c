/** One reader: takes and gives back for a while, as fast as it can. Its only argument is a ReaderTask as JSON. */
import { subscribe } from 'node:diagnostics_channel';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReaderResult, ReaderTask } from './reader-task.ts';

/** Pairs between two looks at the clock, where a pair takes about a microsecond. */
const PAIRS_PER_LOOK = 1_000;

interface Measured {
  readonly pairs: number;
  readonly elapsedMs: number;
}

let socketsOpened = 0;
subscribe('net.client.socket', () => socketsOpened++);

const task = JSON.parse(process.argv[2] ?? '') as ReaderTask;
const result = task.lock.kind === 'etcd' ? await readEtcd(task, task.lock) : await readOnlineMems(task, task.lock);
writeFileSync(task.resultFile, JSON.stringify(result));

type LockOf<Kind extends ReaderTask['lock']['kind']> = Extract<ReaderTask['lock'], { kind: Kind }>;

async function readOnlineMems(
  { startAtMs, durationMs }: ReaderTask,
  { directory, besideAnother }: LockOf<'online-mems'>,
): Promise<ReaderResult> {
  // Not loaded beside etcd's client: what is counted must be this one's own.
  const { openOnlineMems } = await import('../../src/online-mems/online-mems.ts');
  const mems = openOnlineMems({ directory });
  if (besideAnother) await mems.getOnlineMems();
  await delay(startAtMs - Date.now());
  const measured = await measure(durationMs, PAIRS_PER_LOOK, async () => {
    await mems.getOnlineMems();
    mems.putOnlineMems();
  });
  const result = report(measured);
  mems.close();
  return result;
}

async function readEtcd(
  { startAtMs, durationMs }: ReaderTask,
  { url, concurrency }: LockOf<'etcd'>,
): Promise<ReaderResult> {
  const { connectEtcd } = await import('../etcd/etcd-lock.ts');
  const etcd = connectEtcd(url);
  const session = await etcd.openSession();
  await delay(startAtMs - Date.now());
  const readers = Array.from({ length: concurrency }, () =>
    measure(durationMs, 1, async () => session.release(await session.acquire('readers', 'read'))),
  );
  const measured = await Promise.all(readers);
  const result = report({
    pairs: measured.reduce((sum, { pairs }) => sum + pairs, 0),
    elapsedMs: Math.max(...measured.map(({ elapsedMs }) => elapsedMs)),
  });
  await session.close();
  etcd.close();
  return result;
}

async function measure(durationMs: number, pairsPerLook: number, pair: () => Promise<void>): Promise<Measured> {
  const startedMs = performance.now();
  let pairs = 0;
  let elapsedMs = 0;
  while (elapsedMs < durationMs) {
    for (let i = 0; i < pairsPerLook; i++) await pair();
    pairs += pairsPerLook;
    elapsedMs = performance.now() - startedMs;
  }
  return { pairs, elapsedMs };
}

function report(measured: Measured): ReaderResult {
  return { ...measured, socketsOpened, socketsHeld: countSockets() };
}

function countSockets(): number {
  const directory = '/proc/self/fd';
  const targets = readdirSync(directory).map((descriptor) => {
    try {
      return readlinkSync(`${directory}/${descriptor}`);
    } catch {
      return ''; // the descriptor with which the directory was read
    }
  });
  return targets.filter((target) => target.startsWith('socket:')).length;
}
