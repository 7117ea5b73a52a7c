import assert from 'node:assert/strict';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { TOOLS, type ToolName } from '../../src/dev/tool-catalog.ts';
import type { ToolSources } from '../../src/dev/tool-sources.ts';

const BUILT = `/cache/etcd/${TOOLS.etcd.version}/etcd`;

/** A machine that has nothing and reaches nothing, but can build; tells what was asked of it. */
function machine(overrides: Partial<ToolSources> = {}, files: string[] = []): ToolSources & { asked: string[] } {
  const asked: string[] = [];
  const sources: ToolSources = {
    env: {},
    cacheDirectory: '/cache',
    log: () => undefined,
    isExecutable: (file) => Promise.resolve(files.includes(file)),
    findOnPath: () => Promise.resolve(undefined),
    versionOf: () => Promise.resolve(undefined),
    download: () => Promise.reject(new Error('no network')),
    build: (_tool, destination) => {
      files.push(destination);
      return Promise.resolve();
    },
    exclusively: (_name, work) => work(),
    ...overrides,
  };
  const recorded = (name: 'download' | 'build'): void => {
    const original = sources[name] as (...args: unknown[]) => Promise<void>;
    Object.assign(sources, {
      [name]: (...args: unknown[]) => {
        asked.push(name);
        return original(...args);
      },
    });
  };
  recorded('download');
  recorded('build');
  return Object.assign(sources, { asked });
}

describe('acquiring a server', () => {
  it('takes what the environment variable names, before all else', async () => {
    const sources = machine({ env: { MEMHP_ETCD: '/mine/etcd' } }, ['/mine/etcd', BUILT]);
    assert.equal(await acquireTool('etcd', sources), '/mine/etcd');
  });

  it('refuses an environment variable that names nothing, instead of taking something else', async () => {
    await assert.rejects(acquireTool('etcd', machine({ env: { MEMHP_ETCD: '/gone' } }, [BUILT])), /MEMHP_ETCD.*\/gone/);
  });

  for (const [name, version, isTaken] of [
    ['kubectl', '1.30', true],
    ['kubectl', '1.29', false],
    ['kubectl', '2.0', true],
    ['etcd', '3.4', false],
    ['temporal', undefined, false],
  ] as const satisfies [ToolName, string | undefined, boolean][]) {
    it(`${isTaken ? 'takes' : 'passes over'} ${name} ${version ?? 'of unknown version'} on PATH`, async () => {
      const found = { findOnPath: () => Promise.resolve('/usr/bin/x'), versionOf: () => Promise.resolve(version) };
      assert.equal((await acquireTool(name, machine(found))) === '/usr/bin/x', isTaken);
    });
  }

  it('takes the cache before network and Go, whether it was built or downloaded', async () => {
    for (const cached of [BUILT, '/cache/etcd/v1.37.0/etcd']) {
      const sources = machine({}, [cached]);
      assert.equal(await acquireTool('etcd', sources), cached);
      assert.deepEqual(sources.asked, []);
    }
  });

  it('downloads before it builds', async () => {
    const sources = machine({ download: () => Promise.resolve() });
    assert.equal(await acquireTool('etcd', sources), '/cache/etcd/v1.37.0/etcd');
    assert.deepEqual(sources.asked, ['download']);
  });

  it('builds where the release cannot be had', async () => {
    const sources = machine();
    assert.equal(await acquireTool('etcd', sources), BUILT);
    assert.deepEqual(sources.asked, ['download', 'build']);
  });

  it('finds what another process made while it waited for the lock', async () => {
    const files: string[] = [];
    const exclusively: ToolSources['exclusively'] = (_name, work) => {
      files.push(BUILT);
      return work();
    };
    const sources = machine({ exclusively }, files);
    assert.equal(await acquireTool('etcd', sources), BUILT);
    assert.deepEqual(sources.asked, []);
  });

  it('says how to help itself when nothing works', async () => {
    const build = (): Promise<void> => Promise.reject(new Error('Go 1.26 or newer is needed'));
    await assert.rejects(acquireTool('temporal', machine({ build })), /Go 1\.26.*MEMHP_TEMPORAL/);
  });
});
