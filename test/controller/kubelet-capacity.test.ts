import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { NodeMemory } from '../../src/contract/resources.ts';
import type { KubeletStatus, NodeObject } from '../../src/controller/cluster.ts';
import { kubeletStatus, kubeletStatusOf } from '../../src/controller/kubelet-capacity.ts';
import { blockOf, NODE, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const MIB = 2 ** 20;
const BLOCK = 128 * MIB;
const AGENT = { type: 'AgentReady', status: 'True', reason: 'Serving', message: '', lastTransitionTime: '' } as const;

function memoryWith(onlineBytes: number, before: KubeletStatus = {}): NodeMemory {
  const node = nodeMemoryOf();
  const { kubelet, conditions = [] } = before;
  const status = { ...node.status, online: String(onlineBytes), conditions: [AGENT, ...conditions] };
  return { ...node, status: { ...status, ...(kubelet ? { kubelet } : {}) } };
}

function nodeWith(capacityBytes: number, bootID?: string): NodeObject {
  const nodeInfo = bootID === undefined ? {} : { nodeInfo: { bootID } };
  return {
    metadata: { name: NODE, uid: 'uid-node' },
    status: { capacity: { memory: String(capacityBytes) }, ...nodeInfo },
  };
}

/** What kubelet and agent report, one after the other; the status is written each time. */
function follow(reports: readonly { readonly capacity: number; readonly online: number }[]): readonly KubeletStatus[] {
  let before: KubeletStatus = {};
  return reports.map(({ capacity, online }, index) => {
    before = kubeletStatus(memoryWith(online, before), nodeWith(capacity), index * 60_000);
    return before;
  });
}

const isStale = (status: KubeletStatus | undefined) => status?.conditions?.[0]?.status === 'True';
const messageOf = (status: KubeletStatus | undefined) => status?.conditions?.[0]?.message ?? '';

/** A node's life: blocks come and go, its kubelet is restarted now and then; the kernel keeps some of the memory. */
const life = fc.record({
  kept: fc.integer({ min: 1, max: BLOCK }),
  begin: fc.integer({ min: 4, max: 64 }),
  steps: fc.array(fc.oneof(fc.constant('restart' as const), fc.integer({ min: -3, max: 3 })), { maxLength: 20 }),
});

/** What happens on a machine between two moments at which kubelet and agent both have told what they know. */
const event = fc.record({
  what: fc.constantFrom('change', 'restart', 'change and restart', 'reboot'),
  blocks: fc.integer({ min: 4, max: 64 }),
  kept: fc.integer({ min: 1, max: 3 * BLOCK }),
  isKubeletFirst: fc.boolean(),
});
interface Machine {
  readonly boot: number;
  readonly kept: number;
  readonly blocks: number;
  /** Blocks that the kubelet found when it started. */
  readonly counted: number;
}

function after(machine: Machine, { what, blocks, kept }: { what: string; blocks: number; kept: number }): Machine {
  if (what === 'reboot') return { boot: machine.boot + 1, kept, blocks, counted: blocks };
  const next = what === 'restart' ? machine.blocks : blocks;
  return { ...machine, blocks: next, counted: what === 'change' ? machine.counted : next };
}

/** What stands in the cluster of a machine; the reports come one at a time, and the status is written after each. */
class Reported {
  readonly #driver: string;
  #kubelet: Machine;
  #agent: Machine;
  status: KubeletStatus = {};

  constructor(machine: Machine, driver: string) {
    this.#driver = driver;
    [this.#kubelet, this.#agent] = [machine, machine];
    this.#look();
  }

  kubelet(machine: Machine): void {
    this.#kubelet = machine;
    this.#look();
  }

  agent(machine: Machine): void {
    this.#agent = machine;
    this.#look();
  }

  #look(): void {
    this.status = this.#seen();
    assert.deepEqual(this.#seen(), this.status, 'what was written asks for no other');
  }

  #seen(): KubeletStatus {
    const { counted, kept } = this.#kubelet;
    const node = nodeWith(counted * BLOCK - kept, bootOf(this.#kubelet));
    const nodeMemory = memoryWith(this.#agent.blocks * BLOCK, this.status);
    const bootId = this.#driver === 'simulated' ? `simulated-${String(this.#agent.boot)}` : bootOf(this.#agent);
    return kubeletStatus({ ...nodeMemory, status: { ...nodeMemory.status, driver: this.#driver, bootId } }, node, 0);
  }
}

const bootOf = ({ boot }: Machine): string => `boot-${String(boot)}`;

describe('KubeletCapacityStale', () => {
  for (const [driver, whats] of [
    ['sysfs', ['change', 'restart', 'change and restart', 'reboot']],
    // Whether its agent is late cannot be told from its boot.
    ['simulated', ['change', 'restart', 'reboot']],
  ] as const) {
    it(`is right once kubelet and agent (${driver}) have both told, whoever was first`, () => {
      const events = fc
        .array(event, { maxLength: 12 })
        .map((all) => all.filter(({ what }) => whats.some((one) => one === what)));
      fc.assert(
        fc.property(fc.integer({ min: 4, max: 64 }), events, (begin, steps) => {
          let machine: Machine = { boot: 1, kept: BLOCK, blocks: begin, counted: begin };
          const reported = new Reported(machine, driver);
          for (const step of steps) {
            machine = after(machine, step);
            if (step.isKubeletFirst) reported.kubelet(machine);
            reported.agent(machine);
            if (!step.isKubeletFirst) reported.kubelet(machine);
            assert.equal(isStale(reported.status), machine.blocks !== machine.counted, step.what);
          }
        }),
        { numRuns: 500 },
      );
    });
  }

  it('waits after a reboot until kubelet and agent speak of the same boot, and says what it said before', () => {
    const machine: Machine = { boot: 1, kept: 1, blocks: 9, counted: 9 };
    const reported = new Reported(machine, 'sysfs');
    const before = reported.status;
    const rebooted = { ...machine, boot: 2, blocks: 8, counted: 8 };
    reported.kubelet(rebooted);
    assert.deepEqual(reported.status, before);
    reported.agent(rebooted);
    assert.deepEqual(reported.status.kubelet, { capacity: '1073741823', online: '1Gi', bootId: 'boot-2' });
  });

  it('keeps what it said while the agent is stopped: what is online may have changed unseen', () => {
    const first = kubeletStatus(memoryWith(8 * BLOCK), nodeWith(8 * BLOCK - 1), 0);
    const stopped = memoryWith(8 * BLOCK, first);
    const conditions = (stopped.status?.conditions ?? []).map((condition) =>
      condition.type === 'AgentReady' ? { ...condition, status: 'False' as const } : condition,
    );
    const node = { ...stopped, status: { ...stopped.status, conditions } };
    assert.deepEqual(kubeletStatus(node, nodeWith(9 * BLOCK - 1), 60_000), first);
  });

  it('is false, and stays so, where the kubelet is restarted after a balloon has taken memory', () => {
    const machine: Machine = { boot: 1, kept: 1, blocks: 9, counted: 9 };
    const reported = new Reported(machine, 'sysfs');
    const ballooned = { ...machine, kept: 2 * BLOCK };
    reported.kubelet(ballooned);
    assert.equal(isStale(reported.status), false);
    reported.agent({ ...ballooned, blocks: 10 });
    assert.equal(isStale(reported.status), true);
    reported.kubelet({ ...ballooned, counted: 10 });
    assert.equal(isStale(reported.status), false);
  });

  it('believes a late agent once it reports as much as the kubelet has counted at first sight', () => {
    const [first, later] = follow([8, 9].map((blocks) => ({ capacity: 9 * BLOCK - 1, online: blocks * BLOCK })));
    assert.deepEqual([isStale(first), isStale(later)], [true, false]);
  });

  it('is true exactly while the kubelet was started with another amount online than there is now', () => {
    fc.assert(
      fc.property(life, ({ kept, begin, steps }) => {
        let [blocks, counted] = [begin, begin];
        const moments = [{ blocks, counted }];
        for (const step of steps) {
          if (step === 'restart') counted = blocks;
          else blocks = Math.max(1, blocks + step);
          moments.push({ blocks, counted });
        }
        const seen = follow(moments.map((m) => ({ capacity: m.counted * BLOCK - kept, online: m.blocks * BLOCK })));
        assert.deepEqual(
          seen.map(isStale),
          moments.map((moment) => moment.blocks !== moment.counted),
        );
      }),
    );
  });

  it('is written once: the status that was written asks for no other', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (capacity, online, later) => {
        const first = kubeletStatus(memoryWith(online), nodeWith(capacity), 0);
        const written = memoryWith(online, first);
        assert.deepEqual(kubeletStatusOf(written), first);
        assert.deepEqual(kubeletStatus(written, nodeWith(capacity), later), first);
      }),
    );
  });

  it('is true where the kubelet reports more than there is, even at first sight', () => {
    const [first] = follow([{ capacity: 9 * BLOCK, online: 8 * BLOCK }]);
    assert.ok(isStale(first));
    assert.match(
      messageOf(first),
      /reports 1152Mi, and only 1Gi is online: pods may be placed .* Restart the kubelet on worker-1/,
    );
  });

  it('names both figures, what comes of it and what to do', () => {
    const capacity = 8 * BLOCK - 1024;
    const [, more, less] = follow([8, 9, 8.5].map((blocks) => ({ capacity, online: blocks * BLOCK })));
    assert.match(
      messageOf(more),
      /reports 1048575Ki, as when 1Gi was online; now 1152Mi is: pods are not given what was added/,
    );
    assert.match(messageOf(less), /Restart the kubelet on worker-1/);
    const [, shrunk] = follow([9, 8].map((blocks) => ({ capacity, online: blocks * BLOCK })));
    assert.match(messageOf(shrunk), /pods may be placed there for which there is no memory/);
  });

  it('keeps the time of its last change', () => {
    const reports = [8, 9, 10, 8].map((blocks) => ({ capacity: 8 * BLOCK - 1, online: blocks * BLOCK }));
    const times = follow(reports).map(({ conditions }) => conditions?.[0]?.lastTransitionTime.slice(14, 16));
    assert.deepEqual(times, ['00', '01', '01', '03']);
  });

  it('does not exist where there is no Node, or nothing is known of its memory', () => {
    assert.deepEqual(kubeletStatus(memoryWith(BLOCK), undefined, 0), {});
    assert.deepEqual(kubeletStatus(memoryWith(BLOCK), { metadata: { name: NODE } }, 0), {});
    assert.deepEqual(kubeletStatus(nodeMemoryOf(), nodeWith(BLOCK), 0), {});
  });
});

describe('a controller and the kubelets', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  const shown = () => kubeletStatusOf(stage.cluster.nodeMemories.get(NODE) ?? nodeMemoryOf());

  async function report({ online, capacity }: { online?: number; capacity?: number }): Promise<void> {
    const { nodeMemories, nodes } = stage.cluster;
    const node = nodeMemories.get(NODE) ?? nodeMemoryOf();
    const changed = online === undefined ? node : { ...node, status: { ...node.status, online: String(online) } };
    nodeMemories.set(NODE, changed);
    const object = capacity === undefined ? nodes.get(NODE) : nodeWith(capacity);
    if (object) nodes.set(NODE, object);
    for (const controller of stage.controllers) {
      controller.nodeMemoryChanged(changed, 'update');
      if (object) controller.nodeChanged(object, 'update');
    }
    await stage.settle();
  }

  it('writes what changes, once, whatever else the node tells', async () => {
    stage.cluster.nodeMemories.set(NODE, memoryWith(8 * BLOCK));
    stage.cluster.nodes.set(NODE, nodeWith(8 * BLOCK - 1));
    await stage.run(blockOf());
    assert.equal(isStale(shown()), false);
    await report({ online: 9 * BLOCK });
    assert.equal(isStale(shown()), true);
    await report({});
    await stage.pass(60_000);
    await report({ capacity: 9 * BLOCK - 1 });
    assert.equal(isStale(shown()), false);
    assert.equal(stage.cluster.kubeletWrites.length, 3);
    const types = stage.cluster.nodeMemories.get(NODE)?.status?.conditions?.map(({ type }) => type);
    assert.deepEqual(types, ['AgentReady', 'KubeletCapacityStale'], 'the condition of the agent is left as it is');
  });

  it('says nothing of a node without a Node, and takes back what it said when that goes', async () => {
    stage.cluster.nodeMemories.set(NODE, memoryWith(8 * BLOCK));
    await stage.run(blockOf());
    assert.deepEqual(stage.cluster.kubeletWrites, []);
    await report({ capacity: 8 * BLOCK - 1 });
    assert.equal(isStale(shown()), false);
    stage.cluster.nodes.delete(NODE);
    await report({});
    assert.deepEqual(shown(), {});
  });
});
