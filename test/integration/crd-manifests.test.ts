/** Manifests that the schemas refuse: each gets a message that names the field, and creates and changes nothing. */
import assert from 'node:assert/strict';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';
import type { Kind } from '../support/custom-resource-definitions.ts';

const NODE = 'manifests';
const NAME: Readonly<Record<Kind, string>> = {
  MemoryBlock: `${NODE}-memory32`,
  NodeMemory: NODE,
  MemoryNotifier: NODE,
};
const block = { nodeName: NODE, blockId: 32 };
const plugin = { name: 'capacity-guard' };

/** 253 bytes is the longest name of an object; see crds/memoryblocks.yaml for the share of the node. */
const LONG_NODE = 'n'.repeat(238);

const REFUSED: readonly [Kind, string, object, RegExp][] = [
  ['MemoryBlock', 'no spec', {}, /spec: Required value/],
  ['MemoryBlock', 'no node', { spec: { blockId: 32 } }, /spec\.nodeName: Required value/],
  ['MemoryBlock', 'no block', { spec: { nodeName: NODE } }, /spec\.blockId: Required value/],
  ['MemoryBlock', 'null for a block', { spec: { ...block, blockId: null } }, /spec\.blockId: Required value/],
  [
    'MemoryBlock',
    'a node name that is too long',
    { spec: { ...block, nodeName: LONG_NODE } },
    /spec\.nodeName: Too long: may not be more than 237/,
  ],
  [
    'MemoryBlock',
    'an empty node name',
    { spec: { ...block, nodeName: '' } },
    /spec\.nodeName in body should be at least 1 chars/,
  ],
  [
    'MemoryBlock',
    'a negative block',
    { spec: { ...block, blockId: -1 } },
    /spec\.blockId in body should be greater than or equal to 0/,
  ],
  [
    'MemoryBlock',
    'a block beyond all memory',
    { spec: { ...block, blockId: 268_435_456 } },
    /spec\.blockId in body should be less than or equal to 268435455/,
  ],
  ['MemoryBlock', 'half a block', { spec: { ...block, blockId: 1.5 } }, /spec\.blockId in body must be of type int/],
  [
    'MemoryBlock',
    'a block as text',
    { spec: { ...block, blockId: '32' } },
    /spec\.blockId in body must be of type integer/,
  ],
  [
    'MemoryBlock',
    'an unknown state',
    { spec: { ...block, state: 'on' } },
    /spec\.state: Unsupported value: "on": supported values: "offline", "online", "online_kernel", "online_movable"/,
  ],
  [
    'MemoryBlock',
    'a state that nobody can ask for',
    { spec: { ...block, state: 'going-offline' } },
    /spec\.state: Unsupported value/,
  ],
  [
    'MemoryBlock',
    'an unknown deletionPolicy',
    { spec: { ...block, deletionPolicy: 'Delete' } },
    /spec\.deletionPolicy: Unsupported value: "Delete": supported values: "Retain", "Remove"/,
  ],
  [
    'MemoryBlock',
    'an unknown driftPolicy',
    { spec: { ...block, driftPolicy: 'Ignore' } },
    /spec\.driftPolicy: Unsupported value: "Ignore": supported values: "Report", "Correct"/,
  ],
  [
    'MemoryBlock',
    'no time for an offline',
    { spec: { ...block, offlineTimeoutSeconds: 0 } },
    /spec\.offlineTimeoutSeconds in body should be greater than or equal to 1/,
  ],
  [
    'MemoryBlock',
    'more than a day for an offline',
    { spec: { ...block, offlineTimeoutSeconds: 86_401 } },
    /spec\.offlineTimeoutSeconds in body should be less than or equal to 86400/,
  ],
  [
    'MemoryBlock',
    'no time for the locks',
    { spec: { ...block, lockTimeoutSeconds: 0 } },
    /spec\.lockTimeoutSeconds in body should be greater than or equal to 1/,
  ],
  [
    'MemoryBlock',
    'a negative NUMA node',
    { spec: { ...block, numaNode: -1 } },
    /spec\.numaNode in body should be greater than or equal to 0/,
  ],
  ['MemoryBlock', 'a field that does not exist', { spec: { ...block, stat: 'online' } }, /unknown field "spec\.stat"/],

  [
    'NodeMemory',
    'an unknown autoOnline',
    { spec: { autoOnline: 'movable' } },
    /spec\.autoOnline: Unsupported value: "movable"/,
  ],
  [
    'NodeMemory',
    'an unknown discovery',
    { spec: { discovery: 'Some' } },
    /spec\.discovery: Unsupported value: "Some": supported values: "None", "Removable", "All"/,
  ],
  [
    'NodeMemory',
    'a number for a quantity',
    { spec: { minOnline: 4 } },
    /spec\.minOnline in body must be of type string/,
  ],
  [
    'NodeMemory',
    'a block size that is no power of two',
    { spec: { simulated: { blockSize: '100Mi' } } },
    /spec\.simulated\.blockSize: Unsupported value: "100Mi"/,
  ],
  [
    'NodeMemory',
    'blocks without a state',
    { spec: { simulated: { blocks: [{ range: '0' }] } } },
    /spec\.simulated\.blocks\[0\]\.state: Required value/,
  ],
  [
    'NodeMemory',
    'an unknown zone',
    { spec: { simulated: { blocks: [{ range: '0', state: 'online', zone: 'HighMem' }] } } },
    /spec\.simulated\.blocks\[0\]\.zone: Unsupported value: "HighMem"/,
  ],
  [
    'NodeMemory',
    'an unknown errno',
    { spec: { simulated: { errors: [{ operation: 'add', step: 'commit', errno: 'EFOO' }] } } },
    /spec\.simulated\.errors\[0\]\.errno: Unsupported value: "EFOO"/,
  ],
  [
    'NodeMemory',
    'an unknown step',
    { spec: { simulated: { errors: [{ operation: 'add', step: 'undo', errno: 'EIO' }] } } },
    /spec\.simulated\.errors\[0\]\.step: Unsupported value: "undo"/,
  ],
  [
    'NodeMemory',
    'a NUMA node twice',
    { spec: { simulated: { numaNodes: [0, 0] } } },
    /spec\.simulated\.numaNodes\[1\]: Duplicate value: 0/,
  ],
  [
    'NodeMemory',
    'negative time',
    { spec: { simulated: { migrationMs: -1 } } },
    /spec\.simulated\.migrationMs in body should be greater than or equal to 0/,
  ],

  ['MemoryNotifier', 'no spec', {}, /spec: Required value/],
  [
    'MemoryNotifier',
    'no plugin',
    { spec: {} },
    /spec: Invalid value: exactly one of plugin, webhook and taskQueue must be set/,
  ],
  ['MemoryNotifier', 'a plugin without a name', { spec: { plugin: {} } }, /spec\.plugin\.name: Required value/],
  ['MemoryNotifier', 'a priority that is no C int', { spec: { plugin, priority: 2_147_483_648 } }, /spec\.priority/],
  [
    'MemoryNotifier',
    'an unknown action',
    { spec: { plugin, actions: ['MEM_GOING_AWAY'] } },
    /spec\.actions\[0\]: Unsupported value: "MEM_GOING_AWAY"/,
  ],
  [
    'MemoryNotifier',
    'an action twice',
    { spec: { plugin, actions: ['MEM_ONLINE', 'MEM_ONLINE'] } },
    /spec\.actions\[1\]: Duplicate value: "MEM_ONLINE"/,
  ],
  [
    'MemoryNotifier',
    'an unknown failurePolicy',
    { spec: { plugin, failurePolicy: 'Retry' } },
    /spec\.failurePolicy: Unsupported value: "Retry": supported values: "Fail", "Ignore"/,
  ],
  [
    'MemoryNotifier',
    'no time to answer',
    { spec: { plugin, timeoutSeconds: 0 } },
    /spec\.timeoutSeconds in body should be greater than or equal to 1/,
  ],
  [
    'MemoryNotifier',
    'more time than half a chain',
    { spec: { plugin, timeoutSeconds: 31 } },
    /spec\.timeoutSeconds in body should be less than or equal to 30/,
  ],
  [
    'MemoryNotifier',
    'a selector value that is no label',
    { spec: { plugin, nodeSelector: { matchLabels: { a: '!' } } } },
    /spec\.nodeSelector\.matchLabels\.a/,
  ],
  [
    'MemoryNotifier',
    'a transport that does not exist',
    { spec: { plugin, webhok: { url: 'x' } } },
    /unknown field "spec\.webhok"/,
  ],
];

describe('manifests that are refused', function () {
  this.timeout(30_000);
  let plane: TestControlPlane;

  before(async function () {
    this.timeout(120_000);
    plane = await sharedControlPlane();
  });

  for (const [kind, title, body, message] of REFUSED) {
    it(`${kind} with ${title}`, async () => {
      const before = await objects();
      const manifest = { apiVersion: 'memoryhotplug.io/v1alpha1', kind, metadata: { name: NAME[kind] }, ...body };
      const { status, stderr } = await plane.kubectl.run(['apply', '-f', '-'], manifest);
      assert.notEqual(status, 0, 'it was accepted');
      assert.match(stderr, message);
      assert.deepEqual(await objects(), before);
    });
  }

  it('leave the good ones of the same file in place', async () => {
    const good = (kind: Kind, spec: object): object => ({
      apiVersion: 'memoryhotplug.io/v1alpha1',
      kind,
      metadata: { name: NAME[kind] },
      spec,
    });
    const items = [good('MemoryBlock', { ...block, state: 'on' }), good('MemoryNotifier', { plugin })];
    const { status } = await plane.kubectl.run(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    assert.notEqual(status, 0);
    assert.equal(await plane.kubectl.succeed(['get', 'mb', NAME.MemoryBlock, '--ignore-not-found', '-o', 'name']), '');
    await plane.kubectl.succeed(['delete', 'mnot', NAME.MemoryNotifier]);
  });

  /** Every object of our kinds; the generation tells a changed spec from a status that somebody keeps up to date. */
  const objects = (): Promise<string> => {
    const columns = 'KIND:.kind,NAME:.metadata.name,UID:.metadata.uid,GENERATION:.metadata.generation';
    return plane.kubectl.succeed(['get', 'memhp', '-o', `custom-columns=${columns}`]);
  };
});
