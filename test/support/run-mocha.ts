/**
 * Runs test files with mocha and leaves a StageResult as JSON:
 *
 *   node test/support/run-mocha.ts <result file> <timeout of one test in ms> <glob…>
 */
import { globSync, writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import type { StageResult, TestNote } from './stage.ts';

const [resultFile, testTimeoutMs, ...globs] = process.argv.slice(2);
if (!resultFile || !testTimeoutMs) throw new Error('usage: run-mocha.ts <result file> <timeout in ms> <glob…>');

const mocha = new Mocha({ timeout: Number(testTimeoutMs), reporter: 'spec', forbidOnly: true });
// Glob by glob: where the order matters, a stage names its files one by one.
mocha.files = [...new Set(globs.flatMap((glob) => globSync(glob).sort()))];
await mocha.loadFilesAsync();

let passed = 0;
const failures: TestNote[] = [];
const skips: TestNote[] = [];
const runner = mocha.run(() => {
  if (passed + failures.length + skips.length === 0) {
    failures.push({ title: globs.join(' '), reason: 'no test was found' });
  }
  writeFileSync(resultFile, JSON.stringify({ passed, failures, skips } satisfies StageResult));
  // What a test left open must not hold up the stages after it.
  process.exit(failures.length === 0 ? 0 : 1);
});
runner.on('pass', () => (passed += 1));
runner.on('fail', (test, error: Error) => failures.push({ title: titleOf(test), reason: firstLine(error.message) }));
runner.on('pending', (test) => skips.push({ title: titleOf(test), reason: 'the test itself says skip' }));

function titleOf(test: Mocha.Runnable): string {
  return test.titlePath().join(' › ');
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
