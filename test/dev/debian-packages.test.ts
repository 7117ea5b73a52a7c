import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unpackDebianPackages } from '../../src/dev/debian-packages.ts';

/** Stands in for apt-get, which takes each option only where it means something: has newer lists only after `update`, and puts one package where it is told to. */
const APT = `#!/bin/sh
for argument in "$@"; do
  case $argument in
    Dir::Cache::archives=*) archives=\${argument#*=} ;;
    Dir::State::lists=*) lists=\${argument#*=} ;;
    --reinstall) reinstalls=1 ;;
    update) updates=1 ;;
  esac
done
if [ "$updates$reinstalls" = 11 ]; then echo "--reinstall is not understood" >&2; exit 100; fi
if [ -n "$updates" ]; then : >"$lists/updated"; exit; fi
if [ -z "$STALE" ] || [ -e "$lists/updated" ]; then : >"$archives/one.deb"; else echo "no such package" >&2; exit 100; fi
`;
const DPKG = `#!/bin/sh
[ -n "$BROKEN" ] && exit 2
mkdir -p "$3/usr/bin"
: >"$3/usr/bin/$(basename "$2" .deb)"
`;

describe('programs out of Debian packages', () => {
  let directory: string;
  let said: string[];
  const { PATH } = process.env;

  const unpack = (isThere = true): Promise<string> =>
    unpackDebianPackages({
      names: ['one'],
      sources: {
        cacheDirectory: path.join(directory, 'cache', 'bin'),
        exclusively: (_name, work) => work(),
        findOnPath: (name) => Promise.resolve(isThere ? name : undefined),
        log: (line) => said.push(line),
      },
    });

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'memhp-debian-'));
    said = [];
    mkdirSync(path.join(directory, 'bin'));
    writeFileSync(path.join(directory, 'bin', 'apt-get'), APT, { mode: 0o755 });
    writeFileSync(path.join(directory, 'bin', 'dpkg-deb'), DPKG, { mode: 0o755 });
    process.env['PATH'] = [path.join(directory, 'bin'), PATH].join(path.delimiter);
  });

  afterEach(() => {
    process.env['PATH'] = PATH;
    delete process.env['STALE'];
    delete process.env['BROKEN'];
    rmSync(directory, { recursive: true });
  });

  it('are unpacked into the cache once', async () => {
    const root = await unpack();
    assert.ok(existsSync(path.join(root, 'usr/bin/one')));
    said = [];
    assert.equal(await unpack(), root);
    assert.deepEqual(said, []);
  });

  it('are found with newer package lists where those of the machine are out of date', async () => {
    process.env['STALE'] = '1';
    assert.ok(existsSync(path.join(await unpack(), 'usr/bin/one')));
    assert.match(said.join('\n'), /newer lists/);
  });

  it('leave nothing in the cache when they cannot be unpacked', async () => {
    process.env['BROKEN'] = '1';
    await assert.rejects(unpack(), /dpkg-deb failed/);
    assert.deepEqual(readdirSync(path.join(directory, 'cache', 'debian')), []);
  });

  it('are what a machine without apt is told to install', async () => {
    await assert.rejects(unpack(false), /one must be installed on this machine first: there is no apt-get/);
  });
});
