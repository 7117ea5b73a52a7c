/** For each CEL rule of crds/, something that it alone refuses. */
import type { Kind } from './custom-resource-definitions.ts';

export type Attempt =
  | { readonly create: object }
  | { readonly merge: object; readonly subresource?: 'status' }
  | { readonly json: readonly object[]; readonly subresource?: 'status' };

export interface Counterexample {
  readonly kind: Kind;
  /** Where the rule stands, as in `schemaNodes`. */
  readonly path: string;
  /** Tells the rule from others at the same place. */
  readonly rule: RegExp;
  readonly title: string;
  /** Name of the object. */
  readonly name: string;
  /** The object as it is before. */
  readonly given?: { readonly spec: object; readonly status?: object };
  readonly attempt: Attempt;
  readonly message: RegExp;
  /** Another rule that refuses this too; it is there for the sake of the other's better message. */
  readonly impliedBy?: { readonly path: string; readonly rule: RegExp };
}

const NODE = 'rules';

/** A fresh name for each, so that none depends on another. */
let lastBlockId = 100;
function block(
  path: string,
  rule: RegExp,
  title: string,
  example: (spec: { nodeName: string; blockId: number }) => {
    name?: string;
    given?: { spec?: object; status?: object };
    attempt: Attempt;
    message: RegExp;
    impliedBy?: NonNullable<Counterexample['impliedBy']>;
  },
): Counterexample {
  const spec = { nodeName: NODE, blockId: ++lastBlockId };
  const name = `${NODE}-memory${String(spec.blockId)}`;
  const { given, ...rest } = example(spec);
  const before = given ? { given: { ...given, spec: { ...spec, ...given.spec } } } : {};
  return { kind: 'MemoryBlock', path, rule, title, name, ...rest, ...before };
}

const NAME = { path: '', rule: /startsWith/ };
const NAME_MESSAGE = /metadata\.name: Invalid value: the name must be <spec\.nodeName>-memory<spec\.blockId>/;

function misnamed(title: string, nameOf: (blockId: number) => string, nodeName = NODE): Counterexample {
  return block(NAME.path, NAME.rule, title, (spec) => ({
    name: nameOf(spec.blockId),
    attempt: { create: { ...spec, nodeName } },
    message: NAME_MESSAGE,
  }));
}

const NUMA_PARENT = /has\(self\.numaNode\)/;
const NUMA_MESSAGE = /spec\.numaNode: Invalid value: .*numaNode is immutable/;
const SAME = /self == oldSelf/;

const TOKEN_KEPT = /fencingToken/;
const TOKEN_MESSAGE = /status\.fencingToken: Invalid value: .*may only grow/;

function tokenGone(title: string, attempt: Attempt): Counterexample {
  return block('', TOKEN_KEPT, title, () => ({
    given: { status: { state: 'online', fencingToken: 7 } },
    attempt,
    message: TOKEN_MESSAGE,
  }));
}

const blocks: readonly Counterexample[] = [
  misnamed('a twin by leading zero', (id) => `${NODE}-memory0${String(id)}`),
  misnamed('the name of another block', (id) => `${NODE}-memory${String(id)}0`),
  misnamed("another node's name", (id) => `other-memory${String(id)}`),
  misnamed('a prefix of the node name', (id) => `${NODE}-memory${String(id)}`, 'rule'),
  misnamed('a node name that goes on', (id) => `${NODE}-memory${String(id)}`, `${NODE}-memory`),
  misnamed('no number', () => `${NODE}-memory`),
  misnamed('something after the number', (id) => `${NODE}-memory${String(id)}-b`),
  misnamed('another word', (id) => `${NODE}-membrane${String(id)}`),

  block('spec.nodeName', /dns1123Subdomain/, 'no name of a node', (spec) => ({
    name: `no-node-memory${String(spec.blockId)}`,
    attempt: { create: { ...spec, nodeName: 'No_Node' } },
    message: /spec\.nodeName: Invalid value: "No_Node": must be the name of a node/,
    impliedBy: NAME,
  })),
  block('spec.nodeName', SAME, 'changed', () => ({
    given: {},
    attempt: { merge: { spec: { nodeName: 'other' } } },
    message: /spec\.nodeName: Invalid value: "other": nodeName is immutable/,
    impliedBy: NAME,
  })),
  block('spec.blockId', SAME, 'changed', () => ({
    given: {},
    attempt: { merge: { spec: { blockId: 1 } } },
    message: /spec\.blockId: Invalid value: 1: blockId is immutable/,
    impliedBy: NAME,
  })),
  block('spec.numaNode', SAME, 'changed', () => ({
    given: { spec: { numaNode: 0 } },
    attempt: { merge: { spec: { numaNode: 1 } } },
    message: NUMA_MESSAGE,
  })),
  block('spec', NUMA_PARENT, 'numaNode added later', () => ({
    given: {},
    attempt: { merge: { spec: { numaNode: 1 } } },
    message: NUMA_MESSAGE,
  })),
  block('spec', NUMA_PARENT, 'numaNode removed, to be added again with another value', () => ({
    given: { spec: { numaNode: 0 } },
    attempt: { merge: { spec: { numaNode: null } } },
    message: NUMA_MESSAGE,
  })),

  block('status.fencingToken', /self >= oldSelf/, 'a smaller token', () => ({
    given: { status: { fencingToken: 7 } },
    attempt: { merge: { status: { fencingToken: 6 } }, subresource: 'status' },
    message: TOKEN_MESSAGE,
  })),
  tokenGone('removed by a merge patch', { merge: { status: { fencingToken: null } }, subresource: 'status' }),
  tokenGone('removed by a JSON patch', {
    json: [{ op: 'remove', path: '/status/fencingToken' }],
    subresource: 'status',
  }),
  tokenGone('replaced by null', {
    json: [{ op: 'replace', path: '/status/fencingToken', value: null }],
    subresource: 'status',
  }),
  tokenGone('left out of a new status', {
    json: [{ op: 'replace', path: '/status', value: { state: 'offline' } }],
    subresource: 'status',
  }),
  tokenGone('the whole status removed', { json: [{ op: 'remove', path: '/status' }], subresource: 'status' }),
  tokenGone('the whole status replaced by null', {
    json: [{ op: 'replace', path: '/status', value: null }],
    subresource: 'status',
  }),
  tokenGone('an empty status', { json: [{ op: 'replace', path: '/status', value: {} }], subresource: 'status' }),
];

let lastNode = 0;
function node(
  path: string,
  rule: RegExp,
  title: string,
  example: Pick<Counterexample, 'given' | 'attempt' | 'message'>,
): Counterexample {
  return { kind: 'NodeMemory', path, rule, title, name: `rules-${String(++lastNode)}`, ...example };
}

function notBlockIds(path: string, simulated: object): Counterexample {
  return node(path, /matches/, 'no block ids', {
    attempt: { create: { simulated } },
    message: /Invalid value: "[^"]+": must be block ids as lsmem writes them, such as 0-6,32/,
  });
}

function notQuantity(minOnline: string): Counterexample {
  return node('spec.minOnline', /isQuantity/, minOnline, {
    attempt: { create: { minOnline } },
    message: /spec\.minOnline: Invalid value: "[^"]+": must be a quantity of bytes below 8Pi, such as 4Gi/,
  });
}

/** As far as a pattern can tell it is one. */
function tooManyBytes(field: string): Counterexample {
  return node(`status.${field}`, /isQuantity/, '8Ei', {
    given: { spec: {}, status: { driver: 'simulated' } },
    attempt: { merge: { status: { [field]: '8Ei' } }, subresource: 'status' },
    message: new RegExp(`status\\.${field}: Invalid value: "8Ei": must be a quantity of bytes below 8Pi`),
  });
}

const SERVICE = { spec: {}, status: { driver: 'simulated', lockService: { epoch: 3, runId: 'run' } } };

function serviceGone(title: string, attempt: Attempt): Counterexample {
  const message = /status\.lockService: Invalid value: .*the epoch may only grow/;
  return node('', /lockService/, title, { given: SERVICE, attempt, message });
}

const nodes: readonly Counterexample[] = [
  notQuantity('lots'),
  notQuantity('-4Gi'),
  notQuantity('8Pi'),
  tooManyBytes('blockSize'),
  tooManyBytes('online'),
  tooManyBytes('offline'),
  notBlockIds('spec.simulated.blocks[].range', { blocks: [{ range: 'all', state: 'online' }] }),
  notBlockIds('spec.simulated.errors[].range', {
    errors: [{ operation: 'add', step: 'commit', errno: 'EIO', range: '1..3' }],
  }),
  notBlockIds('spec.simulated.unmovable', { unmovable: '1-' }),
  notBlockIds('spec.simulated.pinned', { pinned: 'memory3' }),
  notBlockIds('spec.simulated.holes', { holes: '0x20' }),
  notBlockIds('spec.simulated.poisoned', { poisoned: '-3' }),

  node('status.lockService.epoch', /self >= oldSelf/, 'a smaller epoch', {
    given: SERVICE,
    attempt: { merge: { status: { lockService: { epoch: 2, runId: 'older' } } }, subresource: 'status' },
    message: /status\.lockService\.epoch: Invalid value: 2: may only grow/,
  }),
  serviceGone('removed by a merge patch', { merge: { status: { lockService: null } }, subresource: 'status' }),
  serviceGone('left out of a new status', {
    json: [{ op: 'replace', path: '/status', value: { driver: 'simulated' } }],
    subresource: 'status',
  }),
  serviceGone('the whole status removed', { json: [{ op: 'remove', path: '/status' }], subresource: 'status' }),
  node('', /driver == 'simulated'/, 'a real node becomes a simulated one', {
    given: { spec: { minOnline: '1Gi' }, status: { driver: 'sysfs' } },
    attempt: { merge: { spec: { simulated: {} } } },
    message: /spec\.simulated: Invalid value: .*this node has been a real one; delete its NodeMemory first/,
  }),
];

const PLUGIN = { name: 'capacity-guard' };

function notifier(path: string, rule: RegExp, title: string, spec: object, message: RegExp): Counterexample {
  return { kind: 'MemoryNotifier', path, rule, title, name: 'rules', attempt: { create: spec }, message };
}

const notifiers: readonly Counterexample[] = [
  notifier(
    'spec',
    /size\(\) == 1/,
    'two plugins at once',
    { plugin: PLUGIN, taskQueue: { name: 'q', activity: 'a' } },
    /spec: Invalid value: exactly one of plugin, webhook and taskQueue must be set/,
  ),
  notifier(
    'spec.webhook',
    /has\(self\.url\) != /,
    'a webhook without an address',
    { webhook: {} },
    /spec\.webhook: Invalid value: exactly one of url and service must be set/,
  ),
  notifier(
    'spec.webhook.url',
    /https/,
    'a webhook without TLS',
    { webhook: { url: 'http://example.com' } },
    /spec\.webhook\.url: Invalid value: "http:\/\/example\.com": must begin with https:\/\//,
  ),
  notifier(
    'spec.webhook.service.namespace',
    /dns1123Label/,
    'a namespace that is none',
    { webhook: { service: { namespace: 'a.b', name: 'plugin' } } },
    /must be the name of a namespace/,
  ),
  notifier(
    'spec.webhook.service.name',
    /dns1123Label/,
    'a Service name that leads elsewhere',
    { webhook: { service: { namespace: 'plugins', name: 'evil.example' } } },
    /must be the name of a Service/,
  ),
  notifier(
    'spec.webhook.service.path',
    /startsWith/,
    'a path that would change the host',
    { webhook: { service: { namespace: 'plugins', name: 'plugin', path: '.evil.example/' } } },
    /spec\.webhook\.service\.path: Invalid value: "\.evil\.example\/": must begin with \//,
  ),
  {
    kind: 'MemoryNotifier',
    path: 'spec.plugin.name',
    rule: /dns1123Label/,
    title: 'a path instead of a name',
    name: 'rules',
    attempt: { create: { plugin: { name: '../evil.js' } } },
    message: /spec\.plugin\.name: Invalid value: "\.\.\/evil\.js": must be the name of a plugin/,
  },
];

export const COUNTEREXAMPLES: readonly Counterexample[] = [...blocks, ...nodes, ...notifiers];
