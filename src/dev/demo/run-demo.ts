/** Starts everything, tells the story, stays up for the curious, and leaves nothing behind. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeExit, type ExitReport } from '../supervise.ts';
import { Interruption } from './interruption.ts';
import { invite } from './invitation.ts';
import type { Narrator } from './narrator.ts';
import { startScene, type SceneOptions } from './start-scene.ts';
import { StepFailure } from './step-failure.ts';
import type { Scene } from './step.ts';
import { stepTitle, tellStory } from './story.ts';

/** Where the supervised processes log, in the demo's directory. */
const LOGS = 'logs';
const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
/** As a shell says it of a command that SIGINT ended. */
const INTERRUPTED_STATUS = 130;

export interface DemoOptions {
  /** End after the story. */
  readonly exit?: boolean;
  /** Keep the directory. */
  readonly keep?: boolean;
  /** Where everything is put; unset: a new one for temporary files. */
  readonly directory?: string;
  readonly narrator: Narrator;
  /** When the user's command was started, in ms since the epoch. */
  readonly startedMs: number;
  /** Aborted by the user. */
  readonly signal: AbortSignal;
}

/** Answers the exit status: 0 only if every step of the story did what it says. Afterwards no process is left. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { narrator } = options;
  const directory = await prepareDirectory(options.directory);
  narrator.say(`Memory hotplug, from kubectl apply to memory online. All files go to ${directory}.`);
  const status = await runIn(directory, options);
  const hasFailed = status !== 0 && status !== INTERRUPTED_STATUS;
  const isKept = options.keep === true || (hasFailed && existsSync(path.join(directory, LOGS)));
  if (isKept) narrator.line(`Its files, with the logs, stay in ${directory}.`);
  // A server that was still starting may write its last file meanwhile.
  else await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  return status;
}

async function runIn(directory: string, options: DemoOptions): Promise<number> {
  const { narrator, signal, startedMs } = options;
  const elapsedSeconds = (): number => (Date.now() - startedMs) / 1000;
  const crash = new AbortController();
  let isStoryTold = false;
  const onUnexpectedExit = (report: ExitReport): void => {
    if (isStoryTold)
      narrator.say(`${report.name} has ended (${String(report.signal ?? report.status)}); its log: ${report.logFile}`);
    else crash.abort(new StepFailure(`${report.name} to run`, describeExit(report)));
  };
  const stopOrCrash = AbortSignal.any([signal, crash.signal]);
  let scene: Scene | undefined;
  try {
    narrator.heading(stepTitle(1, 'The servers'));
    const setup: SceneOptions = {
      ...{ narrator, directory, repository: REPOSITORY, elapsedSeconds, onUnexpectedExit },
      signal: stopOrCrash,
    };
    scene = await startScene(setup);
    await tellStory(scene);
    isStoryTold = true;
    narrator.line('');
    narrator.done(`every step did what it says, in ${elapsedSeconds().toFixed(1)} s`);
    if (!options.exit) await stayUp(scene, signal);
    return 0;
  } catch (error) {
    return explain(error, narrator, directory);
  } finally {
    if (scene) await takeDown(scene);
  }
}

async function stayUp(scene: Scene, signal: AbortSignal): Promise<void> {
  await invite(scene);
  scene.narrator.say('Everything stays up until you press Ctrl-C here.');
  if (!signal.aborted) await once(signal, 'abort');
}

async function takeDown({ narrator, shell, environment }: Scene): Promise<void> {
  narrator.say('Stopping all that was started …');
  await shell.close();
  await environment.stop();
  narrator.done('stopped; no process is left');
}

/** Says what happened and what to do next; answers the exit status. */
function explain(error: unknown, narrator: Narrator, directory: string): number {
  if (error instanceof Interruption) {
    narrator.say(`The story was ${error.message} before its end.`);
    return INTERRUPTED_STATUS;
  }
  if (!(error instanceof StepFailure)) {
    // Of the servers' own start, which says what to do next.
    narrator.failed(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const logs = path.join(directory, LOGS);
  narrator.failed('This step did not do what it says.');
  narrator.line(`  expected: ${error.expected}`);
  narrator.line(`  seen:     ${error.seen}`);
  narrator.line(`  logs:     ${logs}`);
  narrator.line(`  next:     see what the operators and the agent had to say: grep -hE '"(warn|error)"' ${logs}/*.log`);
  narrator.line('            Each step has a time limit: if the machine is busy with other work, just run this again.');
  return 1;
}

/** A directory of our own. Throws when the one asked for holds something: it would be taken for an earlier state. */
async function prepareDirectory(asked: string | undefined): Promise<string> {
  if (asked === undefined) return mkdtemp(path.join(tmpdir(), 'memhp-demo-'));
  const directory = path.resolve(asked);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new Error(`${directory} is not empty; name a directory that is, or that does not exist yet`);
  }
  return directory;
}
