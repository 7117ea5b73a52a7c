import type { ToolName } from '../../src/dev/tool-catalog.ts';

/** One command that must exit with status 0; counts as one test. */
export interface CheckStep {
  readonly kind: 'check';
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** Test files, run by mocha; each test counts. */
export interface MochaStep {
  readonly kind: 'mocha';
  /** Each group has a process of its own, side by side with the others: for groups that mostly wait. */
  readonly groups: readonly (readonly string[])[];
  /** Of one test, unless it says otherwise. */
  readonly testTimeoutMs: number;
}

export type Step = CheckStep | MochaStep;

export interface Stage {
  readonly name: string;
  /** For the steps; fetching or building what the stage needs does not count. Beyond it the stage has failed. */
  readonly budgetMinutes: number;
  /** Executables without which the stage is skipped. */
  readonly needs: readonly ToolName[];
  /** Without which some of its tests are skipped: `python` is the environment of the example in Python. */
  readonly wants?: readonly 'python'[];
  /** It runs pods: skipped where there is no provider of a cluster, see start-e2e-cluster.ts. */
  readonly needsCluster?: true;
  readonly steps: readonly Step[];
}

export interface TestNote {
  readonly title: string;
  /** Why it failed, or what is missing. */
  readonly reason: string;
}

/** Counts and what people read about them. */
export interface StageResult {
  readonly passed: number;
  readonly failures: readonly TestNote[];
  readonly skips: readonly TestNote[];
}

/** The result of several parts as one. */
export function addUp(results: readonly StageResult[]): StageResult {
  return {
    passed: results.reduce((sum, result) => sum + result.passed, 0),
    failures: results.flatMap((result) => result.failures),
    skips: results.flatMap((result) => result.skips),
  };
}
