import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from './run-command.ts';
import type { CheckStep, MochaStep, StageResult, Step } from './stage.ts';

type Env = Readonly<Record<string, string>>;

export async function runStep(step: Step, env: Env, signal: AbortSignal): Promise<StageResult> {
  return step.kind === 'check' ? runCheck(step, env, signal) : runMocha(step, env, signal);
}

async function runCheck({ name, command }: CheckStep, env: Env, signal: AbortSignal): Promise<StageResult> {
  const startTime = Date.now();
  const { status, output } = await runCommand(command, { env, signal, capture: true });
  const seconds = ((Date.now() - startTime) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`  ✔ ${name} (${seconds} s)`);
    return { passed: 1, failures: [], skips: [] };
  }
  console.log(`  ✘ ${name} (${seconds} s)\n${output}`);
  const reason = `"${command.join(' ')}" ended with status ${String(status)}; its output is above`;
  return { passed: 0, failures: [{ title: name, reason }], skips: [] };
}

async function runMocha(step: MochaStep, env: Env, signal: AbortSignal): Promise<StageResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-test-'));
  try {
    const resultFile = path.join(directory, 'result.json');
    const script = path.join(import.meta.dirname, 'run-mocha.ts');
    const args = [script, resultFile, String(step.testTimeoutMs), ...step.globs];
    const { status } = await runCommand([process.execPath, ...args], { env, signal });
    const result = await readFile(resultFile, 'utf8').catch(() => undefined);
    if (result !== undefined) return JSON.parse(result) as StageResult;
    const reason = `the test process ended with status ${String(status)} before it had reported its tests`;
    return { passed: 0, failures: [{ title: step.globs.join(' '), reason }], skips: [] };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
