/**
 * An operation is ended from outside ("terminate" in the Temporal UI), so that it can neither give its locks back nor say
 * how it ended. The block ends as it was asked for all the same, the notifiers are told how it came out, and the memory is
 * changed once.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OperationStatus, SimulatedSpec } from '../../src/contract/resources.ts';
import { assertLocksFree, closedRuns, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

/** 5 s until it is noticed, 5 s until its locks are taken back, 5 s until the next try; and a machine that is busy. */
const RECOVERY_SECONDS = 60;

interface Scenario {
  readonly node: string;
  readonly blockId: number;
  readonly state: 'online' | 'offline';
  readonly simulated: SimulatedSpec;
}

const ONLINE: Scenario = { node: 'died-online', blockId: 8, state: 'online', simulated: ONE_OPERATION_LAYOUT };
const OFFLINE: Scenario = {
  node: 'died-offline',
  blockId: 4,
  state: 'offline',
  simulated: { ...ONE_OPERATION_LAYOUT, migrationMs: 15_000 },
};
/** As `OFFLINE`, and whoever knows who holds its locks dies as well. */
const WITH_LOCKS: Scenario = { ...OFFLINE, node: 'died-with-locks' };

describe('an operation that is terminated', function () {
  this.timeout(90_000);
  let stage: OperatorStage;
  let directory: string;
  const dead = new Map<Scenario, OperationStatus>();

  const nameOf = ({ node, blockId }: Scenario): string => `${node}-memory${String(blockId)}`;
  const fileOf = ({ node }: Scenario): string => path.join(directory, node);
  const told = async (scenario: Scenario): Promise<readonly string[]> => {
    const file = fileOf(scenario);
    return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
  };

  /** The operation runs, and `isThere` says that it has come to where it is to die. */
  async function terminate(
    scenario: Scenario,
    what: string,
    isThere: () => Promise<boolean>,
  ): Promise<OperationStatus> {
    const operation = await eventually(what, async () => {
      const { operation: running } = await stage.blockStatus(nameOf(scenario));
      return running?.bootId !== undefined && (await isThere()) && running;
    });
    await stage.temporal.workflow.getHandle(operation.workflowId, operation.runId).terminate('by a test');
    dead.set(scenario, operation);
    return operation;
  }

  async function begin(scenario: Scenario): Promise<void> {
    const { node, blockId, state, simulated } = scenario;
    const labels = { 'memhp-test/node': node };
    const blockSelector = { matchLabels: labels };
    await stage.createNode(node, { simulated });
    const plugin = { name: 'counting', config: { file: fileOf(scenario) } };
    await stage.applyNotifier(`counts-${node}`, { priority: 10, blockSelector, plugin });
    await stage.applyBlock({ nodeName: node, blockId, state, labels });
  }

  const isMigrating = (scenario: Scenario) => async (): Promise<boolean> =>
    (await stage.blockStatus(nameOf(scenario))).state === 'going-offline' && (await told(scenario)).length > 0;

  before(async () => {
    stage = await openOperatorStage();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-told-'));
    const matchLabels = { 'memhp-test/node': ONLINE.node };
    const plugin = { name: 'fault-injection', config: { hang: ['MEM_GOING_ONLINE'] } };
    await stage.applyNotifier('hangs', { plugin, timeoutSeconds: 30, blockSelector: { matchLabels } });
    await Promise.all([ONLINE, OFFLINE, WITH_LOCKS].map(begin));
    await Promise.all([
      terminate(ONLINE, 'MEM_GOING_ONLINE is told', async () => (await told(ONLINE)).length > 0),
      terminate(OFFLINE, 'pages migrate', isMigrating(OFFLINE)),
      terminate(WITH_LOCKS, 'pages migrate', isMigrating(WITH_LOCKS)),
    ]);
    await stage.temporal.workflow.getHandle(stage.lockEntityId(WITH_LOCKS.node)).terminate('by a test');
    await stage.kubectl.succeed(['delete', 'mnot/hangs']);
  });
  after(async () => {
    const nodes = [ONLINE, OFFLINE, WITH_LOCKS].map(({ node }) => node);
    await stage.kubectl.run([
      'delete',
      '--ignore-not-found',
      'mnot/hangs',
      ...nodes.map((node) => `mnot/counts-${node}`),
    ]);
    for (const node of nodes) await stage.deleteNode(node);
    await rm(directory, { recursive: true, force: true });
  });

  for (const [what, scenario, actions, types] of [
    [
      'online, after MEM_GOING_ONLINE: the chain hears MEM_CANCEL_ONLINE, then all over again',
      ONLINE,
      ['MEM_GOING_ONLINE', 'MEM_CANCEL_ONLINE', 'MEM_GOING_ONLINE', 'MEM_ONLINE'],
      ['onlineMemory', 'recoverMemory', 'onlineMemory'],
    ],
    [
      'offline, while pages migrate: they come back, MEM_CANCEL_OFFLINE, then all over again',
      OFFLINE,
      ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE', 'MEM_GOING_OFFLINE', 'MEM_OFFLINE'],
      ['offlineMemory', 'recoverMemory', 'offlineMemory'],
    ],
    [
      'offline, together with the lock entity of its node: just the same',
      WITH_LOCKS,
      ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE', 'MEM_GOING_OFFLINE', 'MEM_OFFLINE'],
      ['offlineMemory', 'recoverMemory', 'offlineMemory'],
    ],
  ] as const) {
    it(what, async () => {
      const { node, blockId, state } = scenario;
      await stage.waitReady(nameOf(scenario), RECOVERY_SECONDS);
      assert.deepEqual(
        await told(scenario),
        actions.map((action) => `${action} ${String(blockId)}`),
      );
      const runs = await closedRuns(stage, node, blockId);
      assert.deepEqual(
        runs.map(({ type, status }) => [type, status]),
        [
          [types[0], 'TERMINATED'],
          [types[1], 'COMPLETED'],
          [types[2], 'COMPLETED'],
        ],
      );
      const effects = (await stage.effects(node)).map((effect) => [effect.change, effect.blockId, effect.runId]);
      assert.deepEqual(effects, [[`pages-${state}`, blockId, runs[2]?.runId]], 'the memory was changed once');
      await assertLocksFree(stage, node);
    });
  }

  it('is told as Unknown: which run, what the block was left as, and who was told', async () => {
    const notes = (await stage.events(nameOf(ONLINE))).filter(({ reason }) => reason === 'Unknown');
    const [note] = notes;
    assert.equal(notes.length, 1);
    const { runId = '' } = dead.get(ONLINE) ?? {};
    assert.match(
      note?.message ?? '',
      new RegExp(
        `run ${runId} was closed \\(TERMINATED\\) .*memory8 is offline; MEM_CANCEL_ONLINE was told to counts-`,
      ),
    );
  });

  it('leaves nothing shown of the wait for its locks', async () => {
    await eventually('no locks are shown', async () => {
      const nodes = await Promise.all([ONLINE, OFFLINE, WITH_LOCKS].map(({ node }) => stage.node(node)));
      return nodes.every((node) => node?.status?.locks === undefined);
    });
  });
});
