import assert from 'node:assert/strict';
import type { LookAgainInput } from '../../src/contract/activities.ts';
import { deadOperation, type Debt } from '../../src/contract/dead-operation.ts';
import { ORPHAN_ANNOTATION, PAUSED_ANNOTATION } from '../../src/contract/names.ts';
import { debtOf } from '../../src/controller/debt.ts';
import { CHAIN_LENGTH_MAX, lookAgain, type LookAgainFacts } from '../../src/controller/look-again.ts';
import { whyNodeIsGone } from '../../src/controller/node-presence.ts';
import { registeredNotifiers, type ChainSubject } from '../../src/controller/registered-notifiers.ts';
import type { OperationType } from '../../src/kernel/memory-block.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import { blockOf, BOOT, CLUSTER, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';

const DELETED = { deletionTimestamp: '2026-01-01T00:00:00Z' };

type Labels = Readonly<Record<string, string>> | undefined;

/** A block and a Node object with these labels. */
function labelled(block: Labels, node: Labels): ChainSubject {
  const of = (labels: Labels) => labels && { metadata: { labels } };
  return { cluster: CLUSTER, block: of(block), nodeMemory: undefined, node: of(node) };
}

const NO_LABELS = labelled(undefined, undefined);

function inputOf(type: OperationType, state: LookAgainInput['inspection']['state']): LookAgainInput {
  return {
    cluster: CLUSTER,
    type,
    node: NODE,
    owner: { workflowId: 'w', runId: 'r' },
    startTime: '2026-01-01T00:00:00Z',
    block: { name: 'worker-1-memory32', uid: 'uid-32', generation: 1 },
    inspection: { blockId: 32, state },
    bootId: BOOT,
    blockSizeBytes: 128 * 2 ** 20,
  };
}

function factsOf(block: LookAgainFacts['block'], more: Partial<LookAgainFacts> = {}): LookAgainFacts {
  return { block, node: nodeMemoryOf(), isCrdTerminating: false, chain: registeredNotifiers([], NO_LABELS), ...more };
}

describe('the second look', () => {
  const online = inputOf('online', 'offline');
  const offline = inputOf('offline', 'online');
  const removing = blockOf({ state: 'online', deletionPolicy: 'Remove' }, {}, DELETED);
  const rows: [title: string, verdict: string, LookAgainInput, LookAgainFacts][] = [
    ['wanted', 'proceed', online, factsOf(blockOf({ state: 'online' }))],
    [
      'edited, and still wanted',
      'proceed',
      online,
      factsOf(blockOf({ state: 'online_movable' }, {}, { generation: 2 })),
    ],
    ['edited to the opposite', 'superseded', online, factsOf(blockOf({ state: 'offline' }, {}, { generation: 2 }))],
    ['edited to hands off', 'superseded', online, factsOf(blockOf({}, {}, { generation: 2 }))],
    ['object gone', 'superseded', online, factsOf(undefined)],
    ['object replaced', 'superseded', online, factsOf(blockOf({ state: 'online' }, {}, { uid: 'another' }))],
    ['deleted with Retain', 'superseded', offline, factsOf(blockOf({ state: 'offline' }, {}, DELETED))],
    ['deleted with Remove, offline', 'proceed', offline, factsOf(removing)],
    ['deleted with Remove, online', 'superseded', online, factsOf(removing)],
    ['CRD being deleted', 'superseded', offline, factsOf(removing, { isCrdTerminating: true })],
    [
      'orphaned',
      'superseded',
      offline,
      factsOf({ ...removing, metadata: { ...removing.metadata, annotations: { [ORPHAN_ANNOTATION]: 'lost' } } }),
    ],
    [
      'paused',
      'superseded',
      offline,
      factsOf(blockOf({ state: 'offline' }, {}, { annotations: { [PAUSED_ANNOTATION]: 'true' } })),
    ],
    ['done already', 'nothing-to-do', inputOf('online', 'online'), factsOf(blockOf({ state: 'online' }))],
    ['added already', 'nothing-to-do', inputOf('add', 'offline'), factsOf(blockOf({ state: 'online' }))],
    ['removed already', 'nothing-to-do', inputOf('remove', 'absent'), factsOf(removing)],
    [
      'a device that is not there: for the driver to say',
      'proceed',
      inputOf('online', 'absent'),
      factsOf(blockOf({ state: 'online' })),
    ],
  ];
  for (const [title, verdict, input, facts] of rows) {
    it(`${input.type}, ${title} → ${verdict}`, () => {
      assert.equal(lookAgain(input, facts).verdict, verdict);
    });
  }

  it('takes the arguments from the object as it is now', () => {
    const block = blockOf({ state: 'online_movable', offlineTimeoutSeconds: 9 }, {}, { generation: 2 });
    const found = lookAgain(
      online,
      factsOf(block, { node: { ...nodeMemoryOf(), spec: { autoOnline: 'online_kernel' } } }),
    );
    assert.ok(found.verdict === 'proceed');
    assert.equal(found.onlineType, 'online_movable');
    assert.equal(found.offlineTimeoutMs, 9_000);
    assert.equal(found.autoOnline, 'online_kernel');
  });

  it('of an operation without an object proceeds, with the arguments that it was started with', () => {
    const found = lookAgain(leaveOut(online, 'block'), factsOf(undefined));
    assert.ok(found.verdict === 'proceed');
    assert.equal(found.onlineType, undefined);
    assert.equal(found.autoOnline, 'offline');
  });
});

describe('a debt that the second look finds', () => {
  const debt: Debt = {
    dead: { type: 'online', workflowId: 'w', runId: 'dead', bootId: BOOT },
    blockId: 32,
    autoOnline: 'offline',
    notifiers: [],
    chain: '',
  };

  it('comes before everything else, whatever is wanted now', () => {
    for (const block of [blockOf({ state: 'online' }), blockOf({ state: 'offline' }), blockOf({}), undefined]) {
      const found = lookAgain(inputOf('online', 'offline'), factsOf(block, { debt }));
      assert.deepEqual(found, { verdict: 'indebted', debt });
    }
  });

  it('is none once the object names another run, and stays one when the object is gone', () => {
    const operation = { type: 'online', workflowId: 'w', runId: 'dead', startTime: '2026-01-01T00:00:00Z' } as const;
    const reference = { name: 'worker-1-memory32', uid: 'uid-32', generation: 1 };
    const facts = { node: nodeMemoryOf(), chain: registeredNotifiers([], NO_LABELS) };
    const debtIn = (block: LookAgainFacts['block']) => debtOf(debt.dead, 32, reference, { ...facts, block });
    assert.deepEqual(debtIn(blockOf({}, { operation }))?.block, reference);
    assert.equal(debtIn(blockOf({}, { operation: { ...operation, runId: 'another' } })), undefined);
    assert.equal(debtIn(blockOf()), undefined);
    for (const gone of [undefined, blockOf({}, {}, { uid: 'another' })]) {
      assert.deepEqual([debtIn(gone)?.dead, debtIn(gone)?.block], [debt.dead, undefined]);
    }
  });

  it('is left by a run that took its second look, and only if it did not complete', () => {
    const named = { type: 'online', workflowId: 'w', runId: 'dead', startTime: '2026-01-01T00:00:00Z' } as const;
    assert.equal(deadOperation(named, 'TERMINATED'), undefined);
    assert.equal(deadOperation({ ...named, bootId: BOOT }, 'COMPLETED'), undefined);
    for (const closedAs of ['TERMINATED', 'FAILED', 'TIMED_OUT', undefined]) {
      assert.equal(deadOperation({ ...named, bootId: BOOT }, closedAs)?.runId, 'dead');
    }
  });
});

describe('the floor of a node', () => {
  const wanted = blockOf({ state: 'offline' });
  const factsWith = (minOnline: string, online?: string): LookAgainFacts => {
    const node = nodeMemoryOf();
    return factsOf(wanted, {
      node: { ...node, spec: { minOnline }, status: { ...node.status, ...(online ? { online } : {}) } },
    });
  };

  it('refuses the offline that would cross it, and lets pass the one that just does not', () => {
    assert.equal(lookAgain(inputOf('offline', 'online'), factsWith('4Gi', '4224Mi')).verdict, 'proceed');
    const refused = lookAgain(inputOf('offline', 'online'), factsWith('4Gi', '4096Mi'));
    assert.equal(refused.verdict, 'refused');
    assert.match(refused.message, /minOnline of NodeMemory worker-1 is 4Gi; 4096Mi is online, 3968Mi would be left/);
    assert.deepEqual(refused.grounds, { minOnline: '4Gi' });
  });

  it('is about offline only, and a node that does not tell is not believed to have enough', () => {
    const online = blockOf({ state: 'online' });
    const node = { ...nodeMemoryOf(), spec: { minOnline: '4Gi' } };
    assert.equal(lookAgain(inputOf('online', 'offline'), factsOf(online, { node })).verdict, 'proceed');
    assert.equal(lookAgain(inputOf('offline', 'online'), factsWith('4Gi')).verdict, 'refused');
  });
});

describe('a chain that is too long to be sent', () => {
  const wanted = blockOf({ state: 'online' });
  /** `count` notifiers of about 32 KiB each. */
  const chainOf = (count: number): LookAgainFacts['chain'] => {
    const config = { text: 'x'.repeat(32_000) };
    const all = Array.from({ length: count }, (_, at) =>
      notifierOf(`n${String(at)}`, { plugin: { name: 'counting', config } }),
    );
    return registeredNotifiers(all, NO_LABELS);
  };
  const lengthOf = ({ notifiers }: LookAgainFacts['chain']): number => JSON.stringify(notifiers).length;

  it('refuses what would notify it, and says how many there are, how long they are and what to do', () => {
    const chain = chainOf(33);
    assert.ok(lengthOf(chain) > CHAIN_LENGTH_MAX);
    const refused = lookAgain(inputOf('online', 'offline'), factsOf(wanted, { chain }));
    assert.ok(refused.verdict === 'refused');
    assert.match(
      refused.message,
      /the 33 MemoryNotifiers .* 10\d{5} bytes .* 1048576 are allowed .*shorten spec\.plugin/,
    );
    assert.deepEqual(refused.grounds, { chain: chain.fingerprint });
  });

  it('names the largest, and counts bytes rather than characters', () => {
    const config = { text: '€'.repeat(400_000) };
    const chain = registeredNotifiers([notifierOf('small')], NO_LABELS);
    const [small] = chain.notifiers;
    const large = { ...small!, name: 'large', transport: { kind: 'plugin', name: 'large', config } } as const;
    const refused = lookAgain(
      inputOf('online', 'offline'),
      factsOf(wanted, { chain: { ...chain, notifiers: [small!, large] } }),
    );
    assert.ok(refused.verdict === 'refused');
    assert.match(refused.message, /and large is the largest/);
  });

  it('lets pass what is just short enough, and what notifies nobody', () => {
    const chain = chainOf(32);
    assert.ok(lengthOf(chain) <= CHAIN_LENGTH_MAX);
    assert.equal(lookAgain(inputOf('online', 'offline'), factsOf(wanted, { chain })).verdict, 'proceed');
    const done = lookAgain(inputOf('online', 'online'), factsOf(wanted, { chain: chainOf(33) }));
    assert.equal(done.verdict, 'nothing-to-do');
  });

  it('refuses a debt, which would be delivered to it, as well', () => {
    const dead = { type: 'online', workflowId: 'w', runId: 'dead', bootId: BOOT } as const;
    const { notifiers, fingerprint } = chainOf(33);
    const debt: Debt = { dead, blockId: 32, autoOnline: 'offline', notifiers, chain: fingerprint };
    const facts = factsOf(wanted, { chain: { notifiers, fingerprint }, debt });
    assert.equal(lookAgain(inputOf('online', 'offline'), facts).verdict, 'refused');
  });
});

describe('the registered notifiers', () => {
  it('stand in chain order: priority, then age, then name', () => {
    const all = [
      notifierOf('b', { priority: 1 }),
      notifierOf('young', { priority: 1 }, { creationTimestamp: '2026-02-01T00:00:00Z' }),
      notifierOf('a', { priority: 1 }),
      notifierOf('first', { priority: 9 }, { creationTimestamp: '2026-03-01T00:00:00Z' }),
    ];
    const names = registeredNotifiers(all, NO_LABELS).notifiers.map(({ name }) => name);
    assert.deepEqual(names, ['first', 'a', 'b', 'young']);
  });

  it('are those whose selectors match the block and its node', () => {
    const all = [
      notifierOf('all'),
      notifierOf('by-node', { nodeSelector: { matchLabels: { rack: 'r1' } } }),
      notifierOf('by-block', { blockSelector: { matchLabels: { tier: 'cold', team: 'x' } } }),
      notifierOf('leaving', {}, DELETED),
    ];
    const names = (block: Record<string, string> | undefined, node: Record<string, string> | undefined) =>
      registeredNotifiers(all, labelled(block, node)).notifiers.map(({ name }) => name);
    assert.deepEqual(names({ tier: 'cold', team: 'x' }, { rack: 'r1' }), ['all', 'by-block', 'by-node']);
    assert.deepEqual(names({ tier: 'cold' }, { rack: 'r2' }), ['all']);
    assert.deepEqual(names(undefined, undefined), ['all']);
  });

  it('have another fingerprint when one comes, goes or is edited, and the same in any order', () => {
    const [a, b] = [notifierOf('a'), notifierOf('b')];
    const of = (...all: Parameters<typeof registeredNotifiers>[0]) => registeredNotifiers(all, NO_LABELS).fingerprint;
    assert.equal(of(a, b), of(b, a));
    assert.equal(new Set([of(a, b), of(a), of(), of(a, notifierOf('b', {}, { generation: 2 }))]).size, 4);
  });
});

describe('a node', () => {
  const owner = { apiVersion: 'v1', kind: 'Node', name: NODE, uid: 'uid-node' };
  const owned = nodeMemoryOf(undefined, BOOT, { ownerReferences: [owner] });

  it('exists while its NodeMemory does and, where that is owned by a Node, that very Node', () => {
    assert.equal(whyNodeIsGone(NODE, nodeMemoryOf(), undefined), undefined);
    assert.equal(whyNodeIsGone(NODE, owned, { metadata: { uid: 'uid-node' } }), undefined);
  });

  it('is gone otherwise, and it is said why', () => {
    assert.match(whyNodeIsGone(NODE, undefined, undefined) ?? '', /no NodeMemory/);
    assert.match(whyNodeIsGone(NODE, owned, undefined) ?? '', /deleted/);
    assert.match(whyNodeIsGone(NODE, owned, { metadata: { uid: 'other' } }) ?? '', /replaced/);
  });
});
