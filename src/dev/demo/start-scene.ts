/** The first step: real servers, two operators, and an agent of simulated nodes. */
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acquireTools } from '../acquire-tool.ts';
import { startLocalEnvironment, type LocalEnvironment } from '../local-environment.ts';
import { localToolSources } from '../local-tool-sources.ts';
import type { ExitReport } from '../supervise.ts';
import type { Narrator } from './narrator.ts';
import { quoteForShell } from './quote-for-shell.ts';
import { Shell } from './shell.ts';
import type { Scene } from './step.ts';

/** How long an interrupted download or build may take to clean up after itself. */
const CLEANUP_LIMIT_MS = 2_000;

export interface SceneOptions {
  readonly narrator: Narrator;
  readonly directory: string;
  /** Root of this repository; the story's commands run here. */
  readonly repository: string;
  readonly elapsedSeconds: () => number;
  /** Ends the start, and every command of the story: both then throw the signal's reason. */
  readonly signal: AbortSignal;
  /** Told of each process that ends by itself after the start. */
  readonly onUnexpectedExit: (report: ExitReport) => void;
}

/** Resolves when all run; whoever calls it stops `environment` in the end. On a failure nothing is left running. */
export async function startScene(options: SceneOptions): Promise<Scene> {
  const { narrator, directory, repository, elapsedSeconds, signal, onUnexpectedExit } = options;
  narrator.say(
    'A real etcd and kube-apiserver hold the objects, a real Temporal server runs the operations. Only the nodes are ' +
      'simulated: one agent keeps the state of their memory in files. (In brackets: seconds since the command started.)',
  );
  narrator.line('');
  const report = (what: string): void => {
    narrator.done(`${what} (${elapsedSeconds().toFixed(1)} s)`);
  };
  await acquireServers(options);
  report('all executables are there');
  const onReady = (what: string): void => {
    report(`${what} answer`);
  };
  let isUp = false;
  const environment = await startLocalEnvironment({
    ...{ directory, signal, onReady },
    // A server that ends while it starts is started again, or fails the start; that is not told twice.
    onUnexpectedExit: (report) => {
      if (isUp) onUnexpectedExit(report);
    },
  });
  isUp = true;
  try {
    const operators = [
      await environment.startOperator({ name: 'operator-1' }),
      await environment.startOperator({ name: 'operator-2' }),
    ];
    const agent = await environment.startAgent({ name: 'agent' });
    report('two operators and an agent are starting');
    narrator.line('');
    for (const line of describeServers(environment, [...operators, agent])) narrator.line(line);
    const bin = await linkCommands(environment, directory, repository);
    const env = shellEnvironment(environment, directory, bin);
    const shell = new Shell({ narrator, directory: repository, env, signal });
    return { narrator, shell, environment, operators, directory, elapsedSeconds };
  } catch (error) {
    await environment.stop();
    throw error;
  }
}

async function acquireServers({ narrator, signal }: SceneOptions): Promise<void> {
  const sources = localToolSources((line) => {
    narrator.line(`  ${line}`);
  }, signal);
  const acquired = acquireTools(['etcd', 'kube-apiserver', 'kubectl', 'temporal'], sources);
  // Waiting for another process that builds cannot be interrupted; waiting for it here can.
  const givenUp = once(signal, 'abort').then(() => delay(CLEANUP_LIMIT_MS, undefined, { ref: false }));
  await Promise.race([acquired, givenUp]).finally(() => {
    signal.throwIfAborted();
  });
}

function describeServers(
  { controlPlane, temporal, tools, nodesDirectory }: LocalEnvironment,
  processes: readonly { name: string; pid: number }[],
): string[] {
  const where: Readonly<Record<string, string>> = { agent: `state of its nodes in ${nodesDirectory}` };
  return [
    `  etcd             ${tools.etcd}`,
    `  kube-apiserver   ${controlPlane.server}, ${tools['kube-apiserver']}`,
    `  kubectl          ${tools.kubectl}`,
    `  Temporal         ${temporal.address}, UI ${temporal.uiUrl}, ${tools.temporal}`,
    ...processes.map(
      ({ name, pid }) => `  ${name.padEnd(16)} pid ${[String(pid), where[name]].filter(Boolean).join(', ')}`,
    ),
  ];
}

/**
 * So that `kubectl` on PATH is the one that was acquired, whatever its file is called, and `memhp` that of this repository
 * on the Node that runs it now. Answers the directory.
 */
async function linkCommands({ tools }: LocalEnvironment, directory: string, repository: string): Promise<string> {
  const bin = path.join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  await symlink(path.resolve(tools.kubectl), path.join(bin, 'kubectl'));
  const words = [process.execPath, path.join(repository, 'bin', 'memhp.mjs')].map(quoteForShell).join(' ');
  await writeFile(path.join(bin, 'memhp'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return bin;
}

function shellEnvironment(
  { env }: LocalEnvironment,
  directory: string,
  bin: string,
): Readonly<Record<string, string | undefined>> {
  return {
    ...process.env,
    ...env,
    PATH: [bin, process.env['PATH']].join(path.delimiter),
    // What kubectl learns of this server is worth nothing to the next one on the same port.
    KUBECACHEDIR: path.join(directory, 'kubectl-cache'),
    // npx would tell of new versions of npm, and of settings that it does not know.
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
  };
}
