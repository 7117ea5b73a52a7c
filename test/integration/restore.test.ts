/**
 * Temporal's database is lost, or comes back from an older backup, while operations are under way: docs/restore.md. The node's
 * own record of what was done to its memory tells whether a lock was held twice.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { memoryBlockName } from '../../src/contract/names.ts';
import { epochOf, tokenOf } from '../../src/kernel/token.ts';
import { assertLocksFree, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { REPOSITORY, runCommand, type CommandResult } from '../support/run-command.ts';
import { readyOf } from '../support/simulated-cluster.ts';

/** Until somebody says otherwise: pages migrate when Temporal goes away, and still do when it is back. */
const MIGRATION_MS = 60_000;
const OPERATOR = 'operator-1';
/** A retry after an outcome that is not known, and workers that notice that the server has come back. */
const LIMIT = { limitMs: 50_000 };

describe('restoring Temporal', function () {
  this.timeout(90_000);
  let stage: OperatorStage;
  let backup: string;

  before(async () => {
    stage = await openOperatorStage({ private: true, operators: 1 });
    backup = await mkdtemp(path.join(tmpdir(), 'memhp-backup-'));
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
    await rm(backup, { recursive: true, force: true });
  });

  const database = (): string => path.join(path.dirname(stage.environment.nodesDirectory), 'temporal');
  const createNode = (name: string, migrationMs = 0): Promise<string> =>
    stage.createNode(name, { simulated: { ...ONE_OPERATION_LAYOUT, migrationMs } });
  const offline = (node: string, blockId: number): Promise<string> =>
    stage.applyBlock({ nodeName: node, blockId, state: 'offline' });
  const untilMigrating = (node: string, blockId: number): Promise<unknown> =>
    eventually(`memory${String(blockId)} of ${node} migrates`, async () => {
      const { transition } = (await stage.nodeState(node)).blocks[blockId] ?? {};
      return transition?.migrationStartedAtMs !== undefined;
    });

  async function replaceDatabase(by?: string): Promise<void> {
    const { temporal } = stage.environment;
    await temporal.kill();
    for (const file of await readdir(database())) await rm(path.join(database(), file));
    if (by !== undefined) await cp(by, database(), { recursive: true });
    await temporal.start();
  }

  /** Everything about a block is as it was asked for, and says so; nothing names a run that is gone. */
  async function assertOffline(node: string, ...blockIds: readonly number[]): Promise<void> {
    for (const blockId of blockIds) {
      const name = memoryBlockName(node, blockId);
      await stage.untilBlock(
        name,
        'Ready, and offline',
        ({ status }) =>
          status?.state === 'offline' && readyOf(status)?.status === 'True' && status.operation === undefined,
        LIMIT,
      );
    }
    await assertLocksFree(stage, node);
  }

  /** These changes were made, each once; the grants of device_hotplug_lock under which that was done follow each other. */
  async function assertDone(node: string, ...changes: readonly string[]): Promise<readonly number[]> {
    const effects = await stage.effects(node);
    const done = effects.map(({ change, blockId }) => `${change} ${String(blockId)}`);
    assert.deepEqual(done.toSorted(), changes.toSorted());
    const tokens = effects.map((effect) => effect.tokens?.[DEVICE_HOTPLUG_LOCK] ?? 0);
    const inOrder = [...new Set(tokens)].sort((a, b) => a - b);
    assert.deepEqual(tokens, inOrder, 'no step of an earlier grant was accepted');
    return tokens;
  }

  /** The node has interrupted what was under way; from now on pages migrate at once. */
  async function untilSettled(node: string, epoch: number): Promise<void> {
    const isSettled = async () => (await stage.nodeState(node)).tokenFloor === tokenOf(epoch, 0);
    await eventually(`${node} has settled`, isSettled, LIMIT);
    await stage.behave(node, { migrationMs: 0 });
  }

  /** What was granted before epoch `epoch` is refused by the node for good. */
  async function assertSettledBelow(node: string, epoch: number): Promise<void> {
    assert.equal((await stage.nodeState(node)).tokenFloor, tokenOf(epoch, 0));
    const { lockService } = (await stage.node(node))?.status ?? {};
    assert.equal(lockService?.epoch, epoch);
    assert.equal(lockService.isPredecessorLost, undefined, 'the loss was seen to');
  }

  it('from nothing: what was under way is settled on the node and done anew', async () => {
    const [node, quiet] = [await createNode('lost', MIGRATION_MS), await createNode('lost-quiet')];
    await offline(quiet, 4);
    await assertOffline(quiet, 4);
    await offline(node, 4);
    await untilMigrating(node, 4);
    await offline(node, 5);
    await stage.untilBlock(memoryBlockName(node, 5), 'has an operation', ({ status }) => !!status?.operation);
    const before = (await stage.blockStatus(memoryBlockName(node, 4))).operation?.runId;

    await replaceDatabase();
    await untilSettled(node, 2);
    await assertOffline(node, 4, 5);
    const tokens = await assertDone(node, 'pages-offline 4', 'pages-offline 5');
    assert.deepEqual(tokens.map(epochOf), [2, 2]);
    assert.ok((await stage.effects(node)).every(({ runId }) => runId !== before));
    await assertSettledBelow(node, 2);
    const reasons = (await stage.events(memoryBlockName(node, 4))).map(({ message }) => message).join('\n');
    assert.match(reasons, /is not known to the Temporal server any more/);

    await offline(quiet, 5);
    await assertOffline(quiet, 4, 5);
    await assertDone(quiet, 'pages-offline 4', 'pages-offline 5');
    await assertSettledBelow(quiet, 2);
    assert.deepEqual(stage.unexpectedExits, []);
  });

  describe('from an older backup', () => {
    let node: string;

    before('a backup is taken; afterwards blocks 5 and 6 go offline', async () => {
      node = await createNode('older');
      await offline(node, 4);
      await assertOffline(node, 4);
      const { temporal } = stage.environment;
      await temporal.kill();
      await cp(database(), backup, { recursive: true });
      await temporal.start();
      await Promise.all([offline(node, 5), offline(node, 6)]);
      await assertOffline(node, 5, 6);
      assert.equal((await stage.nodeState(node)).tokenFloor, undefined);
    });

    it('the node tells the lock service that it has seen later tokens, and settles all of them', async () => {
      await stage.behave(node, { migrationMs: MIGRATION_MS });
      await offline(node, 7);
      await untilMigrating(node, 7);
      await replaceDatabase(backup);
      await untilSettled(node, 2);
      await assertOffline(node, 4, 5, 6, 7);
      await assertDone(node, 'pages-offline 4', 'pages-offline 5', 'pages-offline 6', 'pages-offline 7');
      await assertSettledBelow(node, 2);
      assert.deepEqual(stage.unexpectedExits, []);
    });

    it('memhp restore has everything settled, and ends what the backup brings back', async () => {
      await stage.editBlock(memoryBlockName(node, 7), { state: 'online' });
      await stage.waitReady(memoryBlockName(node, 7));
      await stage.behave(node, { migrationMs: MIGRATION_MS });
      await stage.editBlock(memoryBlockName(node, 7), { state: 'offline' });
      await untilMigrating(node, 7);
      await stage.process(OPERATOR).stop();
      await replaceDatabase(backup);

      const told = await restore();
      assert.equal(told.status, 0, told.output);
      assert.match(told.output, /open workflows are to be terminated[^]*nothing was changed/);
      const done = await restore('--yes');
      assert.equal(done.status, 0, done.output);
      assert.deepEqual(await stage.operations('ExecutionStatus = "Running"'), []);
      await stage.startOperator(OPERATOR);
      await untilSettled(node, 4);

      await assertOffline(node, 4, 5, 6, 7);
      const changes = ['pages-offline 7', 'pages-online 7', 'pages-offline 7'];
      await assertDone(node, 'pages-offline 4', 'pages-offline 5', 'pages-offline 6', ...changes);
      await assertSettledBelow(node, 4);
      assert.deepEqual(stage.unexpectedExits, []);
    });
  });

  function restore(...args: readonly string[]): Promise<CommandResult> {
    return runCommand(['node', path.join(REPOSITORY, 'src/cli/memhp.ts'), 'restore', ...args], {
      env: { ...stage.environment.env },
      capture: true,
    });
  }
});
