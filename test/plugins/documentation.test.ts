/** What docs/plugins.md and examples/ show must work. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import type { MemoryNotifier } from '../../src/contract/resources.ts';
import { BUILT_IN_PLUGINS } from '../../src/plugins/built-in-plugins.ts';
import { loadPlugins, type PluginRegistry } from '../../src/plugins/plugin-registry.ts';

const ROOT = new URL('../../', import.meta.url);
const MANIFESTS = new URL('examples/manifests/', ROOT);
const AUTHOR_API = new URL('src/plugins/define-plugin.ts', ROOT).href;

describe('plugin documentation', function () {
  this.timeout(20_000);
  let directory: string;
  let registry: PluginRegistry;
  let page: string;

  before(async () => {
    page = await readFile(new URL('docs/plugins.md', ROOT), 'utf8');
    directory = await mkdtemp(join(tmpdir(), 'memhp-plugin-'));
    const source = /```ts\n(.*?)```/s.exec(page)?.[1] ?? '';
    await writeFile(join(directory, 'quiet-hours.ts'), source.replace('memory-hotplug-operator/plugin', AUTHOR_API));
    registry = await loadPlugins({ specifiers: ['./quiet-hours.ts'], directory });
  });

  after(() => rm(directory, { recursive: true }));

  it('shows a plugin that loads and a MemoryNotifier whose configuration fits it', () => {
    const manifest = /<<'YAML'\n(.*?)YAML/s.exec(page)?.[1] ?? '';
    const { spec } = parse(manifest) as MemoryNotifier;
    assert.ok(spec.plugin);
    assert.equal(registry.find(spec.plugin.name)?.origin, './quiet-hours.ts');
    assert.equal(registry.validateConfig(spec.plugin.name, spec.plugin.config), undefined);
    assert.match(registry.validateConfig('quiet-hours', { from: 8, to: 25 }) ?? '', /config\/to must be <= 24/);
  });

  for (const { moduleUrl } of BUILT_IN_PLUGINS) {
    const name = basename(dirname(fileURLToPath(moduleUrl)));

    it(`has a page about ${name} that names every setting and shows a manifest that fits`, async () => {
      assert.ok(page.includes(`[${name}](plugins/${name}.md)`), 'docs/plugins.md leads there');
      const own = await readFile(new URL(`docs/plugins/${name}.md`, ROOT), 'utf8');
      for (const setting of settingsOf(registry.find(name)?.configSchema)) {
        assert.ok(own.includes(`| \`${setting}\` |`), `${setting} has a row`);
      }
      const manifest = parse(/```yaml\n(.*?)```/s.exec(own)?.[1] ?? '') as MemoryNotifier;
      assert.equal(manifest.spec.plugin?.name, name);
      assert.equal(registry.validateConfig(name, manifest.spec.plugin.config), undefined);
      for (const heading of ['Configuration', 'Verdicts', 'Limits', 'What it needs']) {
        assert.ok(own.includes(`\n## ${heading}\n`), heading);
      }
    });
  }

  it('has example manifests whose configuration fits', async () => {
    const files = (await readdir(MANIFESTS)).filter((name) => name.startsWith('memorynotifier-'));
    assert.ok(files.length > 0);
    for (const file of files) {
      for (const document of parseAllDocuments(await readFile(new URL(file, MANIFESTS), 'utf8'))) {
        const { plugin } = (document.toJS() as MemoryNotifier).spec;
        assert.ok(plugin);
        assert.equal(registry.validateConfig(plugin.name, plugin.config ?? {}), undefined, file);
      }
    }
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Every key that a configuration may have, with the path to those inside of lists: `windows[].schedule`. */
function settingsOf(schema: Schema | undefined, inside = ''): readonly string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([key, value]) => {
    const setting = `${inside}${key}`;
    return [setting, ...settingsOf(value.items, `${setting}[].`)];
  });
}
