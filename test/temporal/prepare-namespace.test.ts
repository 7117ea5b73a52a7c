import assert from 'node:assert/strict';
import { SEARCH_ATTRIBUTES } from '../../src/contract/names.ts';
import { byHandInstructions, isRefused } from '../../src/temporal/by-hand-instructions.ts';
import type { NamespaceAdmin } from '../../src/temporal/namespace-admin.ts';
import {
  inspectNamespace,
  prepareNamespace,
  RETENTION_DEFAULT_MS,
  RETENTION_MIN_MS,
} from '../../src/temporal/prepare-namespace.ts';

const NAMES = Object.values(SEARCH_ATTRIBUTES);
const FIRST = SEARCH_ATTRIBUTES.node;

/** A server that forgets to tell of what is new a few times. */
class FakeNamespace implements NamespaceAdmin {
  readonly calls: string[] = [];
  retention: number | undefined;
  attributes: Record<string, string> = {};
  /** How often a namespace that was just created is not found. */
  lag = 0;

  constructor(retention?: number, attributes: Record<string, string> = {}) {
    this.retention = retention;
    this.attributes = attributes;
  }

  retentionMs(): Promise<number | undefined> {
    return Promise.resolve(this.retention);
  }
  create(retentionMs: number): Promise<void> {
    this.retention = retentionMs;
    return this.#called('create');
  }
  changeRetention(retentionMs: number): Promise<void> {
    this.retention = retentionMs;
    return this.#called('changeRetention');
  }
  searchAttributes(): Promise<Readonly<Record<string, string>>> {
    if (this.lag-- > 0) return Promise.reject(grpcError(5));
    return Promise.resolve(this.attributes);
  }
  addKeywords(names: readonly string[]): Promise<void> {
    this.attributes = { ...this.attributes, ...Object.fromEntries(names.map((name) => [name, 'Keyword'])) };
    return this.#called(`add ${names.join(',')}`);
  }
  #called(call: string): Promise<void> {
    this.calls.push(call);
    return Promise.resolve();
  }
}

function grpcError(code: number): Error {
  return Object.assign(new Error('no'), { code, details: 'no', metadata: {} });
}

const wanted = { namespace: 'memops' };
const ready = (): FakeNamespace =>
  new FakeNamespace(RETENTION_DEFAULT_MS, Object.fromEntries(NAMES.map((name) => [name, 'Keyword'])));

async function prepare(admin: NamespaceAdmin, retentionMs?: number) {
  const made: string[] = [];
  const options = { endMs: Date.now() + 1_000, onMade: (what: string) => made.push(what), everyMs: 1 };
  const found = await prepareNamespace(admin, { ...wanted, ...(retentionMs ? { retentionMs } : {}) }, options);
  return { found, made };
}

describe('preparing a namespace', () => {
  it('creates it and its search attributes, also when the server takes its time; then there is nothing to do', async () => {
    const admin = new FakeNamespace();
    admin.lag = 3;
    const { found } = await prepare(admin);
    assert.equal(found.kind, 'ready');
    assert.deepEqual(admin.calls, ['create', `add ${NAMES.join(',')}`]);
    assert.equal(admin.retention, RETENTION_DEFAULT_MS);
    assert.deepEqual((await prepare(admin)).made, []);
  });

  it('adds only what is missing, and leaves the retention alone unless one is asked for', async () => {
    const admin = new FakeNamespace(48 * 3_600_000, { [FIRST]: 'Keyword', Other: 'Int' });
    await prepare(admin);
    assert.deepEqual(admin.calls, [`add ${NAMES.slice(1).join(',')}`]);
    assert.equal(admin.retention, 48 * 3_600_000);
    await prepare(admin, RETENTION_MIN_MS);
    assert.equal(admin.retention, RETENTION_MIN_MS);
  });

  it('changes nothing where a name is taken for something else, and says which', async () => {
    const admin = new FakeNamespace(RETENTION_DEFAULT_MS, { [FIRST]: 'Int' });
    const { found } = await prepare(admin);
    assert.ok(found.kind === 'conflict');
    assert.match(found.message, /NodeName .*Int.*must be a Keyword.*TEMPORAL_NAMESPACE/);
    assert.deepEqual(admin.calls, []);
  });

  it('only looks when it is only asked', async () => {
    const admin = new FakeNamespace();
    const found = await inspectNamespace(admin, wanted);
    assert.ok(found.kind === 'missing');
    assert.deepEqual(admin.calls, []);
    assert.equal((await inspectNamespace(ready(), wanted)).kind, 'ready');
  });

  it('advises a longer retention where it is too short', async () => {
    const admin = ready();
    admin.retention = RETENTION_MIN_MS / 2;
    const found = await inspectNamespace(admin, wanted);
    assert.ok(found.kind === 'ready');
    assert.match(found.advice ?? '', /12h is shorter than 24h/);
  });

  it('gives up when the server does not show what it has taken, and passes on what the server refuses', async () => {
    const deaf = new FakeNamespace(RETENTION_DEFAULT_MS);
    deaf.addKeywords = () => Promise.resolve();
    const options = { endMs: Date.now() + 10, onMade: () => undefined, everyMs: 1 };
    await assert.rejects(prepareNamespace(deaf, wanted, options), /does not show it yet.*NodeName/);
    const refusing = new FakeNamespace();
    refusing.create = () => Promise.reject(grpcError(7));
    await assert.rejects(prepareNamespace(refusing, wanted, options), isRefused);
  });

  it('waits for a namespace that somebody else has just created', async () => {
    const admin = new FakeNamespace(RETENTION_DEFAULT_MS, ready().attributes);
    admin.lag = 3;
    assert.deepEqual(await prepare(admin), { found: { kind: 'ready', retentionMs: RETENTION_DEFAULT_MS }, made: [] });
  });

  it('has nothing to tell of what somebody else makes at the same moment', async () => {
    const admin = new FakeNamespace();
    admin.create = (retentionMs) => {
      admin.retention = retentionMs;
      return Promise.reject(grpcError(6));
    };
    admin.addKeywords = (names) => {
      const [first = '', ...others] = names;
      if (admin.attributes[first] === undefined) {
        // The other one was quicker with this, and has not made the rest yet.
        admin.attributes = { ...admin.attributes, [first]: 'Keyword' };
        return Promise.reject(grpcError(6));
      }
      throw new TypeError(`what is there was made again: ${others.join()}`);
    };
    const { found, made } = await prepare(admin);
    assert.equal(found.kind, 'ready');
    assert.deepEqual(made, []);
    assert.deepEqual(Object.keys(admin.attributes), NAMES);
  });

  it('can be done by hand: every search attribute is named for both kinds of server', () => {
    const text = byHandInstructions('memops.a1b2c', RETENTION_DEFAULT_MS);
    for (const name of NAMES) {
      assert.ok(
        text.includes(
          `tcld namespace search-attributes add --namespace memops.a1b2c --search-attribute "${name}=Keyword"`,
        ),
      );
      assert.ok(text.includes(`--name ${name} --type Keyword`));
    }
    assert.match(text, /temporal operator namespace create --namespace memops.a1b2c --retention 168h/);
    assert.match(text, /--retention-days 7/);
  });
});
