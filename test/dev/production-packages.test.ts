import assert from 'node:assert/strict';
import { isPackageFileNeeded } from '../../src/dev/image/package-files.ts';
import { productionPackages, type LockedPackages } from '../../src/dev/image/production-packages.ts';

function locations(dependencies: Record<string, string>, installed: LockedPackages): string[] {
  return productionPackages(dependencies, installed).map(({ location }) => location);
}

describe('the packages of an image', () => {
  it('are those that the dependencies need, each as Node would find it', () => {
    const installed = {
      'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '^1', c: '^1' } },
      'node_modules/a/node_modules/b': { version: '1.9.0', dependencies: { c: '^1' } },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/c': { dependencies: { a: '^1' } }, // and back again
      'node_modules/only-for-tests': {},
    };
    assert.deepEqual(locations({ a: '1.0.0' }, installed), [
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
    ]);
    assert.deepEqual(productionPackages({ a: '1' }, installed)[1], {
      name: 'b',
      version: '1.9.0',
      license: 'unknown',
      location: 'node_modules/a/node_modules/b',
    });
  });

  it('include what is optional only where it is installed', () => {
    const a = { optionalDependencies: { 'for-linux': '1', 'for-windows': '1' }, dependencies: { 'for-windows': '1' } };
    const installed = { 'node_modules/a': a, 'node_modules/for-linux': {} };
    assert.deepEqual(locations({ a: '1' }, installed), ['node_modules/a', 'node_modules/for-linux']);
  });

  it('include peers that are needed, not those that are optional', () => {
    const a = { peerDependencies: { b: '1', c: '1' }, peerDependenciesMeta: { c: { optional: true } } };
    const installed = { 'node_modules/a': a, 'node_modules/b': {}, 'node_modules/c': {} };
    assert.deepEqual(locations({ a: '1' }, installed), ['node_modules/a', 'node_modules/b']);
  });

  it('are refused when one is missing', () => {
    const installed = { 'node_modules/a': { dependencies: { b: '1' } } };
    assert.throws(
      () => locations({ a: '1' }, installed),
      /b is not installed, node_modules\/a needs it; run npm install/,
    );
  });

  it('leave out what only a build of workflows needs, and all that only it needs', () => {
    const installed = {
      'node_modules/@temporalio/worker': { dependencies: { webpack: '5', '@swc/core': '1', rxjs: '7' } },
      'node_modules/webpack': { dependencies: { terser: '5' } },
      'node_modules/terser': {},
      'node_modules/@swc/core': {},
      'node_modules/rxjs': {},
    };
    const expected = ['node_modules/@temporalio/worker', 'node_modules/rxjs'];
    assert.deepEqual(locations({ '@temporalio/worker': '1' }, installed), expected);
  });
});

describe('the files of a package in an image', () => {
  const rows: readonly [string, string, boolean][] = [
    ['any', 'lib/index.js', true],
    ['any', 'lib/data.json', true],
    ['any', 'LICENSE', true],
    ['any', 'LICENSE.md', true],
    ['any', 'vendored/COPYING', true],
    ['any', 'README.md', false],
    ['any', 'lib/index.d.ts', false],
    ['any', 'lib/index.js.map', false],
    ['any', 'test/index.js', false],
    ['any', 'lib/test/index.js', true], // may be loaded: only folders at the top are known not to be
    ['any', 'node_modules/other/index.js', false], // a package of its own
    ['@temporalio/core-bridge', 'index.js', true],
    ['@temporalio/core-bridge', 'lib/errors.js', true],
    ['@temporalio/core-bridge', 'releases', true],
    ['@temporalio/core-bridge', 'releases/x86_64-unknown-linux-gnu/index.node', true],
    ['@temporalio/core-bridge', 'releases/aarch64-unknown-linux-gnu/index.node', false],
    ['@temporalio/core-bridge', 'releases/x86_64-apple-darwin/index.node', false],
    ['@temporalio/core-bridge', 'sdk-core/crates', false],
    ['@koromix/koffi-linux-x64', 'linux_x64/koffi.node', true],
    ['@koromix/koffi-linux-x64', 'musl_x64/koffi.node', false],
    ['koffi', 'src/koffi/index.js', true],
    ['koffi', 'vendor', false],
    ['rxjs', 'dist/cjs/index.js', true],
    ['rxjs', 'dist/esm5/index.js', false],
  ];
  for (const [name, file, isNeeded] of rows) {
    it(`${isNeeded ? 'include' : 'leave out'} ${file} of ${name}`, () => {
      assert.equal(isPackageFileNeeded(name, file, 'amd64'), isNeeded);
    });
  }

  it('are those for the processor asked for', () => {
    const file = 'releases/aarch64-unknown-linux-gnu/index.node';
    assert.equal(isPackageFileNeeded('@temporalio/core-bridge', file, 'arm64'), true);
  });
});
