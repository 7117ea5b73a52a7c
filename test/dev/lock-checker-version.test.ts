import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TOOLS } from '../../src/dev/tool-catalog.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('a tool whose source is in this repository', () => {
  for (const name of ['lock-checker', 'pause'] as const) {
    it(`has a version that changes with its source, so that no earlier build of it is used: ${name}`, () => {
      const { version, moduleDirectory } = TOOLS[name];
      const digest = createHash('sha256');
      for (const file of globSync('*.{go,mod,sum}', { cwd: path.join(ROOT, moduleDirectory) }).sort()) {
        digest.update(`${file}\0`).update(readFileSync(path.join(ROOT, moduleDirectory, file)));
      }
      const expected = `v1.0-${digest.digest('hex').slice(0, 8)}`;
      assert.equal(version, expected, `set the version of ${name} in src/dev/tool-catalog.ts to ${expected}`);
    });
  }
});
