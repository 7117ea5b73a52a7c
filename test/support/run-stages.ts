import { addUp, type Stage, type StageResult, type Step, type TestNote } from './stage.ts';

/** What a stage needs was looked for: there, with the environment its tests need; or not, in words. */
export type ProbeResult =
  | { readonly ready: true; readonly env: Readonly<Record<string, string>> }
  | { readonly ready: false; readonly missing: string };

export interface StageMachinery {
  readonly probe: (stage: Stage) => Promise<ProbeResult>;
  /** Answers its result when `signal` aborts, too. */
  readonly runStep: (step: Step, env: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<StageResult>;
  readonly log: (line: string) => void;
  /** Aborts after the budget. */
  readonly budgetSignal: (minutes: number) => AbortSignal;
}

/** Names in a comma-separated list. Throws on one that is no stage: a typo must not turn a requirement off. */
export function parseStageNames(list: string, stages: readonly Stage[]): ReadonlySet<string> {
  const names = list.split(',').filter((name) => name !== '');
  for (const name of names) {
    if (!stages.some((stage) => stage.name === name)) {
      throw new Error(`"${name}" is no stage; there are ${stages.map((stage) => stage.name).join(', ')}`);
    }
  }
  return new Set(names);
}

/** Runs `stages` one after the other. In those that `required` names, a skip is a failure. */
export async function runStages(
  stages: readonly Stage[],
  required: ReadonlySet<string>,
  machinery: StageMachinery,
): Promise<StageResult> {
  const results: StageResult[] = [];
  for (const stage of stages) {
    const result = prefixTitles(stage.name, await runStage(stage, machinery));
    results.push(required.has(stage.name) ? skipsAsFailures(result) : result);
  }
  return addUp(results);
}

async function runStage(stage: Stage, machinery: StageMachinery): Promise<StageResult> {
  machinery.log(`\n== ${stage.name} (${String(stage.budgetMinutes)} min)`);
  const probe = await machinery.probe(stage);
  if (!probe.ready) return { passed: 0, failures: [], skips: [{ title: 'all', reason: probe.missing }] };

  const results: StageResult[] = [];
  const budget = machinery.budgetSignal(stage.budgetMinutes);
  for (const step of stage.steps) {
    if (!budget.aborted) results.push(await machinery.runStep(step, probe.env, budget));
  }
  if (budget.aborted) {
    const reason = `took longer than its ${String(stage.budgetMinutes)} min: make it faster, or argue for a larger budget`;
    results.push({ passed: 0, failures: [{ title: 'budget', reason }], skips: [] });
  }
  return addUp(results);
}

/** The last lines of a run: failures and skips with their reasons, then the counts. */
export function summarize(result: StageResult): string {
  const { passed, failures, skips } = result;
  return [
    ...skips.map((skip) => `skipped: ${skip.title}: ${skip.reason}`),
    ...failures.map((failure) => `failed: ${failure.title}: ${failure.reason}`),
    `${String(passed)} passed, ${String(failures.length)} failed, ${String(skips.length)} skipped`,
  ].join('\n');
}

function skipsAsFailures({ passed, failures, skips }: StageResult): StageResult {
  const required = skips.map(({ title, reason }) => ({ title, reason: `required by MEMHP_REQUIRE, but ${reason}` }));
  return { passed, failures: [...failures, ...required], skips: [] };
}

function prefixTitles(stage: string, { passed, failures, skips }: StageResult): StageResult {
  const prefix = ({ title, reason }: TestNote): TestNote => ({ title: `${stage} › ${title}`, reason });
  return { passed, failures: failures.map(prefix), skips: skips.map(prefix) };
}
