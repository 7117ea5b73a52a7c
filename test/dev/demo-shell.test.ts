import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Narrator } from '../../src/dev/demo/narrator.ts';
import { quoteForShell } from '../../src/dev/demo/quote-for-shell.ts';
import { Shell } from '../../src/dev/demo/shell.ts';
import { StepFailure } from '../../src/dev/demo/step-failure.ts';
import { eventually } from '../support/eventually.ts';

describe("the demo's shell", () => {
  let directory: string;
  let told: string[];
  let story: AbortController;
  let shell: Shell;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'memhp-shell-'));
    told = [];
    story = new AbortController();
    const tell = (text: string): unknown => told.push(text);
    const narrator: Pick<Narrator, 'command' | 'line'> = { command: (text) => tell(`$ ${text}`), line: tell };
    shell = new Shell({ narrator: narrator as Narrator, directory, env: process.env, signal: story.signal });
  });

  afterEach(async () => {
    await shell.close();
    rmSync(directory, { recursive: true });
  });

  it('shows a command, then what it prints on both streams', async () => {
    await shell.show('echo out; echo err >&2', { that: 'both', output: [/out/, /err/] });
    assert.equal(told[0], '$ echo out; echo err >&2');
    assert.deepEqual(told.slice(1).sort(), ['err', 'out']);
  });

  it('fails the step of a command that fails, quoting what it printed', async () => {
    const failure = await shell.show('echo no such thing; exit 3', { that: 'a thing', output: [] }).catch(String);
    assert.match(String(failure), /expected a thing; seen: .* status 3 and printed:\s+no such thing/);
  });

  it('fails the step of a command that prints something else', async () => {
    await assert.rejects(shell.show('echo apple', { that: 'a pear', output: [/pear/] }), StepFailure);
  });

  it('ends an endless command once its output is as expected, and leaves out lines that only age', async () => {
    const rows = ['a-memory1 offline 1s', 'a-memory1 offline 2s', 'b-memory1 offline 2s', 'a-memory1 online 3s'];
    const command = `printf '%s\\n' ${rows.map(quoteForShell).join(' ')}; while :; do sleep 60; done`;
    await shell.watch(command, { that: 'online', output: [/online/] });
    assert.deepEqual(told.slice(1), [rows[0], rows[2], rows[3]]);
  });

  it('fails a watch that ends without what was expected', async () => {
    await assert.rejects(shell.watch('echo offline 1s', { that: 'online', output: [/online/] }), StepFailure);
  });

  it('kills the whole command when the story is ended, and says why', async () => {
    const pidFile = path.join(directory, 'pid');
    const shown = shell.show('sleep 60 & echo $! > pid; echo started; wait', { that: 'an end', output: [] });
    await eventually('the command has started', () => told.includes('started'));
    story.abort(new Error('enough'));
    await assert.rejects(shown, /enough/);
    const pid = readFileSync(pidFile, 'utf8').trim();
    await eventually('its child is gone', () => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
      } catch {
        return true;
      }
    });
  });

  it('quotes what a shell would take apart', () => {
    for (const text of ['/tmp/plain-1.yaml', 'two words', "it's", '$HOME', '']) {
      assert.equal(execFileSync('sh', ['-c', `printf %s ${quoteForShell(text)}`], { encoding: 'utf8' }), text);
    }
  });
});
