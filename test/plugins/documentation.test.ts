/** What docs/plugins.md and examples/ show must work. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { MemoryNotifier } from '../../src/contract/resources.ts';
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
    assert.equal(registry.find(spec.plugin.name)?.origin, './quiet-hours.ts');
    assert.equal(registry.validateConfig(spec.plugin.name, spec.plugin.config), undefined);
    assert.match(registry.validateConfig('quiet-hours', { from: 8, to: 25 }) ?? '', /config\/to must be <= 24/);
  });

  it('names every setting of the built-in plugins', () => {
    for (const { name, configSchema, origin } of registry.plugins) {
      const section = page.slice(page.indexOf(`**${name}**`));
      const settings = Object.keys(configSchema['properties'] as object);
      if (origin === 'built-in')
        for (const setting of settings) assert.ok(section.includes(`| \`${setting}\` |`), setting);
    }
  });

  it('has example manifests whose configuration fits', async () => {
    const files = (await readdir(MANIFESTS)).filter((name) => name.startsWith('memorynotifier-'));
    assert.ok(files.length > 0);
    for (const file of files) {
      for (const document of parseAllDocuments(await readFile(new URL(file, MANIFESTS), 'utf8'))) {
        const { plugin } = (document.toJS() as MemoryNotifier).spec;
        assert.equal(registry.validateConfig(plugin.name, plugin.config ?? {}), undefined, file);
      }
    }
  });
});
