/**
 * Everything behind `npm test`:
 *
 *   npm test                                  all stages that this machine can run
 *   npm test -- --stage pure --stage static   only these, in the order of the table
 *   npm test -- --list                        their names, budgets and needs
 *   MEMHP_REQUIRE=static,pure npm test        where a skip in these is a failure
 */
import { parseArgs } from 'node:util';
import { probeTools } from './support/probe-tools.ts';
import { parseStageNames, runStages, summarize } from './support/run-stages.ts';
import { runStep } from './support/run-step.ts';
import type { Stage } from './support/stage.ts';
import { STAGES } from './support/stages.ts';

const MINUTE_MS = 60_000;

function selectStages(names: readonly string[]): readonly Stage[] {
  const selected = parseStageNames(names.join(','), STAGES);
  return selected.size === 0 ? STAGES : STAGES.filter((stage) => selected.has(stage.name));
}

function listStages(): void {
  for (const { name, budgetMinutes, needs, wants = [] } of STAGES) {
    const wanted = wants.length > 0 ? `; for some tests ${wants.join(', ')}` : '';
    console.log(`${name.padEnd(14)}${String(budgetMinutes)} min   needs ${needs.join(', ') || 'nothing'}${wanted}`);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { stage: { type: 'string', multiple: true, default: [] }, list: { type: 'boolean', default: false } },
  });
  if (values.list) {
    listStages();
    return 0;
  }
  const stages = selectStages(values.stage);
  const required = parseStageNames(process.env['MEMHP_REQUIRE'] ?? '', STAGES);
  const result = await runStages(stages, required, {
    probe: probeTools,
    runStep,
    log: console.log,
    budgetSignal: (minutes) => AbortSignal.timeout(minutes * MINUTE_MS),
  });
  console.log(`\n${summarize(result)}`);
  return result.failures.length === 0 ? 0 : 1;
}

// Ending is enough: what the stages started ends with this process.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
