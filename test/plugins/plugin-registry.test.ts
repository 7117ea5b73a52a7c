import assert from 'node:assert/strict';
import { loadPlugins, type PluginRegistry } from '../../src/plugins/plugin-registry.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;

describe('plugin registry', function () {
  this.timeout(20_000);
  let registry: PluginRegistry;

  before(async () => {
    registry = await loadPlugins({ specifiers: ['./well-behaved.ts'], directory: FIXTURES });
  });

  it('has the built-in plugins and those it was started with', () => {
    assert.deepEqual(
      registry.plugins.map(({ name, origin }) => [name, origin]),
      [
        ['capacity-guard', 'built-in'],
        ['fault-injection', 'built-in'],
        ['maintenance-window', 'built-in'],
        ['node-lease', 'built-in'],
        ['well-behaved', './well-behaved.ts'],
      ],
    );
    assert.equal(registry.find('well-behaved')?.description, 'Answers in time.');
    assert.equal(registry.find('toString'), undefined);
  });

  it('does not change after the start', () => {
    assert.ok(
      Object.isFrozen(registry) && Object.isFrozen(registry.plugins) && registry.plugins.every(Object.isFrozen),
    );
  });

  it('takes a path, a file URL and the absolute path for the same module', async () => {
    for (const specifier of [`${FIXTURES}well-behaved.ts`, `file://${FIXTURES}well-behaved.ts`, './well-behaved.ts']) {
      const { plugins } = await loadPlugins({ specifiers: [specifier], directory: FIXTURES });
      assert.equal(plugins.at(-1)?.moduleUrl, `file://${FIXTURES}well-behaved.ts`);
    }
  });

  for (const [config, problem] of [
    [{}, undefined],
    [{ reserve: '1.5Gi' }, undefined],
    [{ reserve: 1 }, /config\/reserve must be string/],
    [{ reserve: '1 Gi' }, /config\/reserve must match pattern/],
    [{ reserved: '1Gi' }, /config must NOT have additional properties: reserved;/],
    [null, /config must be object/],
  ] as const) {
    it(`says of ${JSON.stringify(config)} for capacity-guard: ${String(problem ?? 'fits')}`, () => {
      const message = registry.validateConfig('capacity-guard', config);
      if (problem === undefined) assert.equal(message, undefined);
      else
        assert.match(message ?? '', new RegExp(`${problem.source}.*plugin capacity-guard.*correct spec.plugin.config`));
    });
  }

  it('says which plugins there are when one is not', () => {
    assert.match(
      registry.validateConfig('nobody', {}) ?? '',
      /no plugin nobody.*capacity-guard, fault-injection.*--plugin/,
    );
  });

  for (const [specifier, problem] of [
    ['./twin.ts', /built-in is called capacity-guard too; leave one of them out/],
    ['./newer-contract.ts', /speaks version \S+\/v2 .* this operator \S+\/v1; install/],
    ['./wrong-schema.ts', /configSchema is not a valid JSON schema: .*propreties/],
    ['./unknown-use.ts', /uses "secrets", which this operator does not offer; it has leases/],
    ['./wrong-name.ts', /"Wrong Name" is not a DNS label; name it like/],
    ['./exports-nothing.ts', /does not export a plugin; write: export const plugin/],
    ['./throws-at-load.ts', /crashed: refuses to load/],
    ['./not-there.ts', /not found from .*; check the path/],
    ['not-a-package-of-this-tree', /npm install not-a-package-of-this-tree/],
  ] as const) {
    it(`refuses ${specifier}, naming it and saying what to do`, async () => {
      await assert.rejects(loadPlugins({ specifiers: [specifier], directory: FIXTURES }), (error: Error) => {
        assert.ok(error.message.includes(`plugin ${specifier}: `), error.message);
        assert.match(error.message, problem);
        return true;
      });
    });
  }

  it('ends a module that never finishes loading', async () => {
    const load = loadPlugins({ specifiers: ['./endless-load.ts'], directory: FIXTURES, loadTimeoutMs: 1_500 });
    await assert.rejects(load, /plugin \.\/endless-load\.ts: did not load in 1\.5 s/);
  });

  it('tells all mistakes at once', async () => {
    const specifiers = ['./wrong-name.ts', './well-behaved.ts', './newer-contract.ts'];
    await assert.rejects(loadPlugins({ specifiers, directory: FIXTURES }), (error: Error) => {
      assert.match(error.message, /wrong-name[^]*newer-contract/);
      assert.ok(!error.message.includes('well-behaved'));
      return true;
    });
  });
});
