/** `npm run cluster`: a one-node Kubernetes cluster with real pods on this machine, for as long as one wants it. */
import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { onInterruption } from '../demo/interruption.ts';
import { localToolSources } from '../local-tool-sources.ts';
import { acquireNodePrograms } from './node-programs.ts';
import { probeLocalCluster } from './probe-local-cluster.ts';
import { runInside } from './sandbox.ts';
import { importImage } from './start-containerd.ts';
import { startLocalCluster } from './start-local-cluster.ts';

/** One per machine; the cluster removes it when it ends. */
const DIRECTORY = path.join(tmpdir(), 'memhp-local-cluster');
const RECORD = path.join(DIRECTORY, 'running.json');
/** Stopping takes less than a second; sweeping up may take 30. */
const DOWN_TIMEOUT_MS = 40_000;
const POLL_INTERVAL_MS = 100;

interface RunningCluster {
  /** Of `up`. */
  readonly pid: number;
  /** Of the node's namespaces. */
  readonly nodePid: number;
  readonly kubeconfig: string;
}

async function up({ image }: { readonly image: readonly string[] }): Promise<void> {
  if (await running()) throw new Error(`there is one already: KUBECONFIG=${(await theCluster()).kubeconfig}`);
  const interrupted = new AbortController();
  const ended = new Promise<void>((resolve) => {
    interrupted.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  // A second Ctrl-C: what runs is ended and removed by its guards as soon as this process is gone.
  onInterruption(
    (why) => {
      interrupted.abort(why);
    },
    () => process.exit(1),
  );
  const probe = await probeLocalCluster(console.log, interrupted.signal);
  interrupted.signal.throwIfAborted();
  if (!probe.possible) throw new Error(probe.why);
  await claimDirectory();
  const cluster = await startLocalCluster({ images: image, workDirectory: DIRECTORY, signal: interrupted.signal });
  const record: RunningCluster = { pid: process.pid, nodePid: cluster.pid, kubeconfig: cluster.kubeconfig };
  await writeFile(RECORD, JSON.stringify(record));
  console.log(`\n  export KUBECONFIG=${cluster.kubeconfig}\n\nLogs are in ${cluster.logDirectory}.`);
  console.log('Runs until Ctrl-C here, or "npm run cluster -- down" in another terminal.');
  await ended;
  await cluster.stop();
  console.log('stopped; nothing is left');
}

/** Whoever makes it has the one cluster of this machine, from its start until nothing is left of it. */
async function claimDirectory(): Promise<void> {
  try {
    await mkdir(DIRECTORY, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(
      `another cluster is being started or stopped: wait for it, or end it with Ctrl-C where it was started. ` +
        `If no "npm run cluster -- up" runs any more, remove ${DIRECTORY} and try again.`,
      { cause: error },
    );
  }
}

async function down(): Promise<void> {
  process.kill((await theCluster()).pid, 'SIGTERM');
  const deadline = Date.now() + DOWN_TIMEOUT_MS;
  while (await running()) {
    if (Date.now() > deadline) throw new Error(`it still runs; see ${DIRECTORY}`);
    await delay(POLL_INTERVAL_MS);
  }
}

async function load(tarFile: string): Promise<void> {
  const { nodePid } = await theCluster();
  const { env } = await acquireNodePrograms(localToolSources());
  await importImage({ run: (command, args) => runInside({ pid: nodePid, env }, command, args) }, tarFile);
}

async function running(): Promise<RunningCluster | undefined> {
  const record = await readFile(RECORD, 'utf8').catch(() => undefined);
  return record === undefined ? undefined : (JSON.parse(record) as RunningCluster);
}

async function theCluster(): Promise<RunningCluster> {
  const cluster = await running();
  if (!cluster) throw new Error('no cluster runs; start one with "npm run cluster -- up"');
  return cluster;
}

const program = new Command('npm run cluster --').description(
  'A real Kubernetes cluster of one node on this machine, in namespaces of its own: Linux, root; no Docker needed.',
);
const collect = (file: string, files: readonly string[]): readonly string[] => [...files, file];
program
  .command('up')
  .description('start it, and keep it until Ctrl-C; the first time this downloads or builds what it needs')
  .option('--image <tar>', 'load the image in this tar file; may be repeated', collect, [])
  .action(up);
program.command('down').description('stop it, and remove all of it').action(down);
program.command('load <tar>').description('let its pods use the image in this tar file').action(load);
program
  .command('kubeconfig')
  .description('print the path of its kubeconfig')
  .action(async () => {
    console.log((await theCluster()).kubeconfig);
  });
try {
  await program.parseAsync();
} catch (error) {
  console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
// Not left to the event loop: an acquisition that was interrupted may still wait for another process.
process.exit();
