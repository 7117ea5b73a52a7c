/** A plugin on each transport says no: people see who, when and why, change the registration, and the memory goes by itself. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryNotify } from '../../src/contract/notifier.ts';
import type { MemoryNotifierSpec } from '../../src/contract/resources.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { startTaskQueueWorker, startWebhook } from '../support/plugin-process.ts';
import { readCalls, type PluginScript } from '../support/plugin-script.ts';

const NODE = 'transports';
const BLOCK_BYTES = 128 * 2 ** 20;
/** Longer than this test: whatever is tried again was not waited for. */
const RETRY_AFTER_SECONDS = 600;

/** A plugin that vetoes, and how to get rid of its veto. */
interface Case {
  readonly name: string;
  readonly blockId: number;
  readonly target: RegExp;
  /** Starts the plugin, which plays the script, and says how to register it. */
  readonly start: (script: PluginScript) => Promise<Pick<MemoryNotifierSpec, 'plugin' | 'webhook' | 'taskQueue'>>;
  readonly calls: () => readonly MemoryNotify[];
  readonly change: { readonly title: string; readonly kubectl: readonly string[] };
}

describe('a plugin on each transport', function () {
  this.timeout(30_000);
  let stage: OperatorStage;
  let directory: string;
  const fileOf = (name: string): string => path.join(directory, name);

  before(async function () {
    this.timeout(60_000);
    stage = await openOperatorStage();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-transports-'));
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.deleteNode(NODE);
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot', ...cases.map(({ name }) => name)]);
    await rm(directory, { recursive: true, force: true });
  });

  const cases: readonly Case[] = [
    {
      name: 'in-process',
      blockId: 5,
      target: /^scripted$/,
      start: (script) =>
        Promise.resolve({ plugin: { name: 'scripted', config: { calls: fileOf('in-process.jsonl'), script } } }),
      calls: () => readCalls(fileOf('in-process.jsonl')),
      change: {
        title: 'edited',
        kubectl: ['patch', 'mnot/in-process', '--type=merge', '-p', '{"spec":{"plugin":{"config":{"script":null}}}}'],
      },
    },
    {
      name: 'by-webhook',
      blockId: 6,
      target: /^https:\/\/127\.0\.0\.1:\d+\/notify$/,
      start: async (script) => {
        const webhook = await startWebhook(stage, fileOf('by-webhook'));
        webhook.play(script);
        return webhook.transport;
      },
      calls: () => readCalls(fileOf('by-webhook/calls.jsonl')),
      change: {
        title: 'suspended',
        kubectl: ['patch', 'mnot/by-webhook', '--type=merge', '-p', '{"spec":{"suspend":true}}'],
      },
    },
    {
      name: 'on-task-queue',
      blockId: 7,
      target: /^transports-plugin\/notify$/,
      start: async (script) => {
        const worker = await startTaskQueueWorker(stage, fileOf('on-task-queue'), 'transports-plugin');
        worker.play(script);
        return worker.transport;
      },
      calls: () => readCalls(fileOf('on-task-queue/calls.jsonl')),
      change: { title: 'deleted', kubectl: ['delete', 'mnot/on-task-queue'] },
    },
  ];

  for (const { name, blockId, target, start, calls, change } of cases) {
    const block = `${NODE}-memory${String(blockId)}`;
    const reason = `pinned by the database, asked ${name}`;

    describe(name, () => {
      before(async () => {
        const retryAfterSeconds = RETRY_AFTER_SECONDS;
        const veto = { result: 'NOTIFY_BAD', errno: 'EAGAIN', reason, retryAfterSeconds } as const;
        const transport = await start({ MEM_GOING_OFFLINE: veto });
        await stage.applyNotifier(name, { blockSelector: { matchLabels: { test: name } }, ...transport });
        await stage.applyBlock({ nodeName: NODE, blockId, state: 'offline', labels: { test: name } });
        await stage.untilReason(block, 'Vetoed');
      });

      it('is asked with everything that a plugin needs to know', () => {
        const [event, ...others] = calls();
        const { uid, workflowId, runId, tokens, deadline, ...rest } = event!;
        assert.deepEqual(rest, {
          apiVersion: 'notifier.memoryhotplug.io/v1',
          notifier: name,
          action: 'MEM_GOING_OFFLINE',
          cluster: stage.clusterId,
          node: NODE,
          blockId,
          startPfn: (blockId * BLOCK_BYTES) / 4096,
          nrPages: BLOCK_BYTES / 4096,
          physicalAddress: `0x${(blockId * BLOCK_BYTES).toString(16)}`,
          sizeBytes: BLOCK_BYTES,
          numaNode: 0,
          dryRun: false,
        });
        assert.equal(workflowId, stage.operationId(NODE, blockId));
        assert.ok(uid.includes(runId) && Date.parse(deadline) > 0);
        const locks = [`device_hotplug_lock`, `device_lock/memory${String(blockId)}`, 'mem_hotplug_lock'];
        assert.deepEqual(Object.keys(tokens).sort(), locks);
        assert.deepEqual(
          others.map(({ action, runId: run }) => [action, run]),
          [['MEM_CANCEL_OFFLINE', runId]],
          'and told once that it is off',
        );
      });

      it('shows in kubectl who vetoed what, why, and when it is tried again', async () => {
        const wide = await stage.kubectl.succeed(['get', 'mb', block, '-o', 'wide', '--no-headers']);
        assert.match(wide, new RegExp(`vetoed by ${name} at MEM_GOING_OFFLINE \\(EAGAIN\\): ${reason}`));
        const described = await stage.kubectl.succeed(['describe', 'mb', block]);
        for (const seen of [name, 'MEM_GOING_OFFLINE', 'NOTIFY_BAD', 'EAGAIN', reason]) {
          assert.ok(described.includes(seen), `kubectl describe shows ${seen}`);
        }
        const { retry, lastOperation, state } = await stage.blockStatus(block);
        const waitMs = Date.parse(retry!.nextTime) - Date.parse(lastOperation!.completionTime);
        assert.equal(Math.round(waitMs / 1000), RETRY_AFTER_SECONDS, 'the plugin said when');
        assert.ok(described.includes(retry!.nextTime));
        assert.equal(state, 'online');
        await eventually('an event tells it', async () =>
          (await stage.events(block)).some(({ message }) => message.includes(`vetoed by ${name}`)),
        );
      });

      it('shows in kubectl get mnot who is asked', async () => {
        const [shown, ready] = (
          await stage.kubectl.succeed([
            'get',
            `mnot/${name}`,
            '-o=jsonpath={.status.target} {.status.conditions[?(@.type=="Ready")].status}',
          ])
        ).split(' ');
        assert.match(shown!, target);
        assert.equal(ready, 'True');
      });

      it(`objects no more when it is ${change.title}: the block goes offline at once, by itself`, async () => {
        await stage.kubectl.succeed(change.kubectl);
        await stage.waitReady(block);
        const { state, retry, lastOperation } = await stage.blockStatus(block);
        assert.deepEqual([state, retry, lastOperation?.result], ['offline', undefined, 'Succeeded']);
        assert.deepEqual(await stage.effectsOf(NODE, blockId), ['pages-offline']);
      });
    });
  }
});
