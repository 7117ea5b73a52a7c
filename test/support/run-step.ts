import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand, type CommandOptions } from './run-command.ts';
import { addUp, type CheckStep, type MochaStep, type StageResult, type Step } from './stage.ts';

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

async function runMocha({ groups, testTimeoutMs }: MochaStep, env: Env, signal: AbortSignal): Promise<StageResult> {
  const running = groups.map(async (globs, index) => {
    // One group is followed as it goes; what the others say would only mix with it, and is told when they are done.
    const capture = index > 0;
    const { result, output } = await runMochaProcess(globs, testTimeoutMs, { env, signal, capture });
    if (capture) console.log(output);
    return result;
  });
  return addUp(await Promise.all(running));
}

async function runMochaProcess(
  globs: readonly string[],
  testTimeoutMs: number,
  options: CommandOptions,
): Promise<{ result: StageResult; output: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-test-'));
  try {
    const resultFile = path.join(directory, 'result.json');
    const script = path.join(import.meta.dirname, 'run-mocha.ts');
    const args = [script, resultFile, String(testTimeoutMs), ...globs];
    const { status, output } = await runCommand([process.execPath, ...args], options);
    const text = await readFile(resultFile, 'utf8').catch(() => undefined);
    if (text !== undefined) return { result: JSON.parse(text) as StageResult, output };
    const reason = `the test process ended with status ${String(status)} before it had reported its tests`;
    return { result: { passed: 0, failures: [{ title: globs.join(' '), reason }], skips: [] }, output };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
