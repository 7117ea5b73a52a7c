/** The recipes of docs/online-mems.md, run as they stand there but for the directory and the work. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GateStage, ReaderProcess } from '../support/reader-process.ts';
import { REPOSITORY } from '../support/run-command.ts';

const PAGE = readFileSync(path.join(REPOSITORY, 'docs/online-mems.md'), 'utf8');
const WRITER = { token: 1, runId: 'writer' };

describe('recipes of get_online_mems', function () {
  this.timeout(20_000);
  let stage: GateStage;
  beforeEach(() => {
    stage = new GateStage();
  });
  afterEach(() => stage.close());

  /** What stands under the heading, in place: `work` says that it is inside, and stays until its input ends. */
  const recipe = (heading: string, work: readonly [RegExp, string]): string => {
    const block = new RegExp(`### ${heading}\\n\\n\`\`\`\\w+\\n([^]*?)\n\`\`\``).exec(PAGE)?.[1];
    assert.ok(block, `a recipe for ${heading}`);
    return block.replaceAll('/run/memhp/worker-1', stage.directory).replace(...work);
  };
  const file = (name: string, content: string): string => {
    const where = path.join(stage.directory, name);
    writeFileSync(where, content);
    return where;
  };
  const assertReads = async (reader: ReaderProcess): Promise<void> => {
    stage.readers.push(reader);
    await reader.inside();
    assert.equal((await stage.gate.begin(WRITER, () => true)).kind, 'waiting');
    reader.child.stdin.end('\n');
    assert.equal((await stage.gate.begin(WRITER)).kind, 'begun');
    assert.equal(await reader.ended, 0);
  };

  it('shell', async () => {
    const script = recipe('Shell', [/^work /m, 'echo inside; read line ']);
    await assertReads(new ReaderProcess('sh', ['-c', script]));
  });

  it('Python', async function () {
    if (!isThere('python3')) this.skip();
    const script = recipe('Python', [/^work\(\)/m, 'print("inside", flush=True); input()']);
    await assertReads(new ReaderProcess('python3', ['-c', script]));
  });

  it('C', async function () {
    if (!isThere('cc')) this.skip();
    const main = `#include <stdio.h>
      int main(int argc, char **argv) {
        int lock = get_online_mems(open(argv[1], O_RDONLY));
        if (lock < 0) return 1;
        puts("inside"); fflush(stdout); getchar();
        close(lock);
        return 0;
      }`;
    const source = file('reader.c', `${recipe('C', [/^$/, ''])}\n${main}`);
    const program = path.join(stage.directory, 'reader');
    execFileSync('cc', ['-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-o', program, source]);
    await assertReads(new ReaderProcess(program, [stage.directory]));
  });

  it('TypeScript', async () => {
    const module = new URL('../../src/online-mems/online-mems.ts', import.meta.url).href;
    const script = recipe('TypeScript and JavaScript', [
      /await work\(\)/,
      "console.log('inside'); await new Promise((end) => process.stdin.resume().on('end', end))",
    ]).replace('memory-hotplug-operator/online-mems', module);
    await assertReads(new ReaderProcess(process.execPath, ['--input-type=module', '-e', script]));
  });
});

function isThere(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
