/** What a user of kubectl meets: kinds, names, explanations, columns and examples, on a real API server. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';
import {
  KINDS,
  readDefinition,
  schemaNodes,
  type Kind,
  type SchemaNode,
} from '../support/custom-resource-definitions.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples/manifests');
const NODE = 'crds-test';
const LABEL = 'memhp-test=crds';
const labels = { 'memhp-test': 'crds' };
const apiVersion = 'memoryhotplug.io/v1alpha1';

const BLOCK = `${NODE}-memory32`;
const block = {
  apiVersion,
  kind: 'MemoryBlock',
  metadata: { name: BLOCK, labels },
  spec: { nodeName: NODE, blockId: 32 },
};
const elsewhere = {
  ...block,
  metadata: { name: `${NODE}-b-memory32`, labels },
  spec: { nodeName: `${NODE}-b`, blockId: 32 },
};
const node = { apiVersion, kind: 'NodeMemory', metadata: { name: NODE, labels } };
const notifier = {
  apiVersion,
  kind: 'MemoryNotifier',
  metadata: { name: NODE, labels },
  spec: { plugin: { name: 'x' } },
};

/** Header of a table as kubectl prints it; two spaces or more separate columns, one may stand inside a name. */
const COLUMNS: Readonly<Record<Kind, { short: string; narrow: string; wide: string }>> = {
  MemoryBlock: {
    short: 'mb',
    narrow: 'NAME NODE BLOCK DESIRED STATE ZONE READY REASON AGE',
    wide: 'MESSAGE OPERATION PHASE LAST ADDRESS SIZE NEXT TRY',
  },
  NodeMemory: {
    short: 'nmem',
    narrow: 'NAME DRIVER BLOCKSIZE ONLINE OFFLINE READY AGE',
    wide: 'MESSAGE AUTOONLINE DISCOVERY MINONLINE CAPABILITIES EPOCH BOOTID',
  },
  MemoryNotifier: {
    short: 'mnot',
    narrow: 'NAME TARGET PRIORITY ACTIONS POLICY READY AGE',
    wide: 'MESSAGE TIMEOUT LAST CALL LAST ACTION LAST RESULT',
  },
};

describe('custom resource definitions on a real API server', function () {
  this.timeout(30_000);
  let plane: TestControlPlane;

  before(async function () {
    this.timeout(120_000);
    plane = await sharedControlPlane();
    await plane.kubectl.succeed(['apply', '-f', '-'], list(block, elsewhere, node, notifier));
  });

  after(async () => {
    await plane.kubectl.succeed(['delete', 'memhp', '--selector', LABEL]);
  });

  for (const kind of KINDS) {
    const { short, narrow, wide } = COLUMNS[kind];
    const { plural } = readDefinition(kind).spec.names;

    it(`${kind} is established, and its schema has nothing that the API server objects to`, async () => {
      const crd = await getJson<Conditioned>(['crd', `${plural}.memoryhotplug.io`]);
      const statuses = Object.fromEntries(crd.status.conditions.map(({ type, status }) => [type, status]));
      assert.equal(statuses['Established'], 'True');
      assert.equal(statuses['NamesAccepted'], 'True');
      assert.equal(statuses['NonStructuralSchema'], undefined);
    });

    it(`kubectl get ${short} prints ${narrow}, and more with -o wide`, async () => {
      assert.equal(await header(['get', short]), narrow);
      assert.equal(await header(['get', short, '-o', 'wide']), `${narrow} ${wide}`);
    });

    it(`kubectl explain ${short} --recursive lists every field`, async () => {
      const listed = await plane.kubectl.succeed(['explain', short, '--recursive']);
      for (const { path: field } of schemaNodes(readDefinition(kind))) {
        const name = field
          .replace(/(\[\]|\{\})$/, '')
          .split('.')
          .at(-1);
        assert.match(listed, new RegExp(`\\b${name ?? ''}\\b`), `"${field}" is not listed`);
      }
    });

    it(`kubectl explain ${short} prints the description of every field`, async () => {
      const nodes = schemaNodes(readDefinition(kind));
      const unexplained: string[] = [];
      for (const parent of nodes.filter(({ schema }) => schema.properties)) {
        const printed = flatten(await plane.kubectl.succeed(['explain', [short, ...keys(parent)].join('.')]));
        const explained = [parent, ...nodes.filter((child) => isField(parent, child))];
        unexplained.push(
          ...explained
            .filter(({ schema }) => !printed.includes(flatten(schema.description ?? 'no description')))
            .map(({ path }) => path),
        );
      }
      assert.deepEqual(unexplained, []);
    });
  }

  it('kubectl get memhp lists all kinds', async () => {
    const names = (await plane.kubectl.succeed(['get', 'memhp', '--selector', LABEL, '-o', 'name'])).trim().split('\n');
    assert.deepEqual(names.sort(), [
      `memoryblock.memoryhotplug.io/${NODE}-b-memory32`,
      `memoryblock.memoryhotplug.io/${NODE}-memory32`,
      `memorynotifier.memoryhotplug.io/${NODE}`,
      `nodememory.memoryhotplug.io/${NODE}`,
    ]);
  });

  it('--field-selector spec.nodeName lists the blocks of one node', async () => {
    const names = await plane.kubectl.succeed(['get', 'mb', '--field-selector', `spec.nodeName=${NODE}`, '-o', 'name']);
    assert.equal(names.trim(), `memoryblock.memoryhotplug.io/${BLOCK}`);
  });

  it('unset fields get their defaults', async () => {
    assert.deepEqual((await getJson<Specified>(['mb', BLOCK])).spec, {
      nodeName: NODE,
      blockId: 32,
      deletionPolicy: 'Retain',
      driftPolicy: 'Report',
      offlineTimeoutSeconds: 300,
      lockTimeoutSeconds: 300,
    });
    assert.deepEqual((await getJson<Specified>(['nmem', NODE])).spec, { discovery: 'None' });
    assert.deepEqual((await getJson<Specified>(['mnot', NODE])).spec, {
      priority: 0,
      failurePolicy: 'Fail',
      timeoutSeconds: 10,
      plugin: { name: 'x' },
    });
  });

  it("kubectl get mb -o wide shows a veto with the plugin's name", async () => {
    const message = 'vetoed by capacity-guard: 2 pods would no longer fit';
    await patchStatus({ conditions: [ready('False', 1, { reason: 'Vetoed', message })] });
    const row = await plane.kubectl.succeed(['get', 'mb', BLOCK, '-o', 'wide', '--no-headers']);
    assert.match(row, new RegExp(`False +Vetoed +\\S+ +${message}`));
  });

  for (const file of readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'))) {
    it(`examples/manifests/${file} is accepted as it stands`, async () => {
      const manifest = readFileSync(path.join(EXAMPLES, file), 'utf8');
      const { spec } = parse(manifest) as Specified;
      const args = ['apply', '--dry-run=server', '--validate=strict', '-o', 'json', '-f', '-'];
      const accepted = JSON.parse(await plane.kubectl.succeed(args, manifest)) as Specified;
      assert.deepEqual({ ...accepted.spec, ...spec }, accepted.spec, 'nothing of it may be dropped or changed');
    });
  }

  describe('kubectl wait --for=condition=Ready', () => {
    const wait = ['wait', 'mb', BLOCK, '--for=condition=Ready', '--timeout=1s'];

    it('accepts a Ready of the current generation, and no longer after each of many edits', async () => {
      for (let edit = 0; edit < 5; edit++) {
        await plane.kubectl.succeed([
          'patch',
          'mb',
          BLOCK,
          '--type=merge',
          '-p',
          specPatch({ lockTimeoutSeconds: 100 + edit }),
        ]);
        const { generation } = (await getJson<Generated>(['mb', BLOCK])).metadata;
        await patchStatus({ conditions: [ready('True', generation - 1)] });
        const stale = await plane.kubectl.run([...wait.slice(0, -1), '--timeout=0s']);
        assert.notEqual(stale.status, 0, 'a Ready of the generation before was accepted');
        await patchStatus({ conditions: [ready('True', generation)] });
        await plane.kubectl.succeed(wait);
      }
    });

    it('cannot be misled by a condition without a generation: the API server refuses it', async () => {
      const timeless = { ...ready('True', 1), observedGeneration: undefined };
      const { status, stderr } = await plane.kubectl.run(statusPatch({ conditions: [timeless] }));
      assert.notEqual(status, 0);
      assert.match(stderr, /conditions\[0\]\.observedGeneration: Required value/);
    });
  });

  const getJson = async <T>(args: readonly string[]): Promise<T> =>
    JSON.parse(await plane.kubectl.succeed(['get', ...args, '-o', 'json'])) as T;

  const header = async (args: readonly string[]): Promise<string> =>
    flatten((await plane.kubectl.succeed(args)).split('\n')[0] ?? '');

  const patchStatus = (status: object): Promise<string> => plane.kubectl.succeed(statusPatch(status));
});

interface Conditioned {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}
interface Specified {
  readonly spec: Readonly<Record<string, unknown>>;
}
interface Generated {
  readonly metadata: { readonly generation: number };
}

function list(...items: readonly object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}

function specPatch(spec: object): string {
  return JSON.stringify({ spec });
}

function statusPatch(status: object): readonly string[] {
  return ['patch', 'mb', BLOCK, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
}

function ready(status: string, observedGeneration: number, words = { reason: 'Settled', message: 'as asked for' }) {
  return { type: 'Ready', status, observedGeneration, ...words, lastTransitionTime: '2025-01-01T00:00:00Z' };
}

/** kubectl breaks lines where they fit. */
function flatten(printed: string): string {
  return printed.replaceAll(/\s+/g, ' ').trim();
}

/** As kubectl explain wants them: lists and maps are not spelled out. */
function keys({ path }: SchemaNode): readonly string[] {
  return path === '' ? [] : path.replaceAll(/\[\]|\{\}/g, '').split('.');
}

function isField(parent: SchemaNode, child: SchemaNode): boolean {
  const prefix = parent.path === '' ? '' : `${parent.path}.`;
  return child.path !== '' && child.path.startsWith(prefix) && /^\w+$/.test(child.path.slice(prefix.length));
}
