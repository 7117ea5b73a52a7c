/**
 * A plugin process dies in the middle of a call: what that means is up to the failure policy, it is told in words, nothing
 * on another node waits for it, and when the plugin is there again the memory goes by itself.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryBlockStatus, MemoryNotifierSpec } from '../../src/contract/resources.ts';
import { databaseGuardEnvironment, startDatabaseGuard } from '../support/database-guard.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { startTaskQueueWorker, startWebhook, type PluginProcess } from '../support/plugin-process.ts';

type Policy = MemoryNotifierSpec['failurePolicy'];

const POLICIES: readonly Policy[] = ['Fail', 'Ignore'];
const BLOCK = 7;
/** Enough for an operation on another node; of a worker that is dead also how long the call takes, since nobody notices. */
const TIMEOUT_SECONDS = 8;

interface Case {
  readonly name: string;
  readonly start: (stage: OperatorStage, directory: string) => Promise<PluginProcess>;
  readonly timeoutSeconds: number;
  readonly errno: string;
  readonly reason: RegExp;
}

const python = await databaseGuardEnvironment();

const CASES: readonly Case[] = [
  {
    name: 'webhook',
    start: startWebhook,
    timeoutSeconds: 20,
    errno: 'EIO',
    reason: /127\.0\.0\.1:\d+ closed the connection without an answer; look at the plugin's log/,
  },
  {
    name: 'worker',
    start: (stage, directory) => startTaskQueueWorker(stage, directory, 'killed-worker'),
    timeoutSeconds: TIMEOUT_SECONDS,
    errno: 'ETIMEDOUT',
    reason: /activity notify did not answer in time/,
  },
];

/** In Python: the example. */
const PYTHON_CASES: readonly Case[] = python.ready
  ? [
      {
        name: 'python',
        start: (stage, directory) => startDatabaseGuard(stage, python.directory, directory, 'killed-python'),
        timeoutSeconds: TIMEOUT_SECONDS,
        errno: 'ETIMEDOUT',
        reason: /activity memoryNotify did not answer in time/,
      },
    ]
  : [];
const ALL_CASES = [...CASES, ...PYTHON_CASES];

/** What was seen on the way. */
interface Story {
  /** Of the two held operations, once one on another node had been done. */
  readonly held: readonly MemoryBlockStatus[];
  /** Of the operation under each policy, once the plugin had been killed. */
  readonly ended: Readonly<Record<Policy, MemoryBlockStatus>>;
  /** Under Fail, once the plugin was there again. */
  readonly recovered: MemoryBlockStatus;
}

describe('a plugin that is killed in the middle of a call', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let directory: string;
  /** Side by side: they wait for time-outs and backoffs more than they work. */
  const stories = new Map<string, Promise<Story>>();

  const nodeOf = (name: string, role: string): string => `killed-${name}-${role.toLowerCase()}`;
  const blockOf = (name: string, role: string): string => `${nodeOf(name, role)}-memory${String(BLOCK)}`;
  const takeOffline = (name: string, role: string): Promise<string> =>
    stage.applyBlock({
      nodeName: nodeOf(name, role),
      blockId: BLOCK,
      state: 'offline',
      labels: { killed: `${name}-${role}` },
    });

  async function play({ name, start, timeoutSeconds }: Case): Promise<Story> {
    const plugin = await start(stage, path.join(directory, `killed-${name}`));
    plugin.play({ MEM_GOING_OFFLINE: 'hold' });
    const register = (failurePolicy: Policy): Promise<string> =>
      stage.applyNotifier(nodeOf(name, failurePolicy), {
        actions: ['MEM_GOING_OFFLINE'],
        blockSelector: { matchLabels: { killed: `${name}-${failurePolicy}` } },
        failurePolicy,
        timeoutSeconds,
        ...plugin.transport,
      });
    await Promise.all(POLICIES.map(register));
    await Promise.all(POLICIES.map((policy) => takeOffline(name, policy)));
    await eventually('both are asked', () => plugin.callCount() >= POLICIES.length);
    await stage.waitReady(await takeOffline(name, 'elsewhere'));
    const held = await Promise.all(POLICIES.map((policy) => stage.blockStatus(blockOf(name, policy))));
    await plugin.kill();
    const endOf = (policy: Policy): Promise<MemoryBlockStatus> =>
      stage.untilBlock(
        blockOf(name, policy),
        'its operation has ended',
        ({ status }) => status?.lastOperation !== undefined,
      );
    const [Fail, Ignore] = await Promise.all([endOf('Fail'), endOf('Ignore')]);
    plugin.play({});
    await plugin.start();
    await stage.waitReady(blockOf(name, 'Fail'));
    const recovered = await stage.blockStatus(blockOf(name, 'Fail'));
    await plugin.kill();
    return { held, ended: { Fail, Ignore }, recovered };
  }

  before(async () => {
    stage = await openOperatorStage();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-killed-'));
    const roles = [...POLICIES, 'elsewhere'];
    await Promise.all(ALL_CASES.flatMap(({ name }) => roles.map((role) => stage.createNode(nodeOf(name, role)))));
    for (const plot of ALL_CASES) {
      const story = play(plot);
      // Told by the test that awaits it.
      story.catch(() => undefined);
      stories.set(plot.name, story);
    }
  });
  after(async () => {
    await Promise.allSettled(stories.values());
    const notifiers = ALL_CASES.flatMap(({ name }) => POLICIES.map((policy) => nodeOf(name, policy)));
    for (const { name } of ALL_CASES) {
      for (const role of [...POLICIES, 'elsewhere']) await stage.deleteNode(nodeOf(name, role));
    }
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot', ...notifiers]);
    await rm(directory, { recursive: true, force: true });
  });

  for (const { name, errno, reason } of ALL_CASES) {
    describe(name, () => {
      let story: Story;
      before(async () => {
        story = (await stories.get(name))!;
      });

      it('delays nothing on another node, neither while it is asked nor when it is dead', () => {
        for (const { operation, lastOperation } of story.held) {
          assert.equal(lastOperation, undefined, 'the operation on the other node has overtaken it');
          assert.equal(operation?.type, 'offline');
        }
      });

      it('vetoes under Fail, in words that say what happened', () => {
        const { lastOperation, notifiers, state } = story.ended.Fail;
        assert.deepEqual([lastOperation?.result, lastOperation?.errno, state], ['Vetoed', errno, 'online']);
        assert.match(lastOperation!.message, reason);
        assert.match(lastOperation!.message, /gave no answer, which its failurePolicy Fail makes a veto/);
        assert.deepEqual([notifiers?.[0]?.result, notifiers?.[0]?.errno], ['Error', errno]);
      });

      it('is passed over under Ignore, and what happened is recorded', () => {
        const { lastOperation, notifiers, state } = story.ended.Ignore;
        assert.deepEqual([lastOperation?.result, state], ['Succeeded', 'offline']);
        assert.deepEqual([notifiers?.[0]?.result, notifiers?.[0]?.errno], ['Error', undefined]);
        assert.match(notifiers?.[0]?.reason ?? '', reason);
      });

      it('is asked again by itself when it is back', () => {
        const { lastOperation, notifiers, state } = story.recovered;
        assert.deepEqual([lastOperation?.result, state], ['Succeeded', 'offline']);
        assert.deepEqual(
          notifiers?.map(({ action, result }) => [action, result]),
          [['MEM_GOING_OFFLINE', 'NOTIFY_OK']],
        );
      });
    });
  }

  if (!python.ready) it.skip(`python: ${python.missing}`);
});
