import type { SupervisedChild } from '../supervise.ts';
import type { LocalEnvironment } from '../local-environment.ts';
import type { Narrator } from './narrator.ts';
import type { Shell } from './shell.ts';

/** What the steps of the story act on. */
export interface Scene {
  readonly narrator: Narrator;
  readonly shell: Shell;
  readonly environment: LocalEnvironment;
  readonly operators: readonly SupervisedChild[];
  /** The demo's own, for files that a step makes. */
  readonly directory: string;
  /** Seconds since the user's command was started. */
  readonly elapsedSeconds: () => number;
}

/** One step: says why, shows what it runs, and throws a StepFailure where something else happens than it says. */
export interface Step {
  readonly title: string;
  readonly run: (scene: Scene) => Promise<void>;
}
