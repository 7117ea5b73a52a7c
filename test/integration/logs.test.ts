/** The log of one operation, gathered over all processes by its workflow id. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'logged';
const BLOCK_ID = 9;
const OPERATORS = ['operator-1', 'operator-2'];
const LOCKS = ['device_hotplug_lock', `device_lock/memory${String(BLOCK_ID)}`, 'mem_hotplug_lock'];

interface Line extends Readonly<Record<string, unknown>> {
  readonly tokens?: Readonly<Record<string, number>>;
}

describe('logs', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', `mnot/${NODE}`]);
    await stage.deleteNode(NODE);
  });

  async function linesOf(processes: readonly string[], runId: string): Promise<readonly Line[]> {
    const logs = await Promise.all(processes.map((name) => stage.log(name)));
    return logs.flat().filter((line) => line['runId'] === runId);
  }

  const allLines = async (): Promise<readonly Line[]> =>
    (await Promise.all([...OPERATORS, 'agent'].map((name) => stage.log(name)))).flat();
  const messages = (lines: readonly Line[]): ReadonlySet<unknown> => new Set(lines.map(({ message }) => message));

  it('tell one operation in operator, workflow and agent, each line with its workflow, node, block and tokens', async () => {
    const labels = { test: NODE };
    await stage.applyNotifier(NODE, {
      blockSelector: { matchLabels: labels },
      plugin: { name: 'fault-injection', config: {} },
    });
    const block = await stage.applyBlock({ nodeName: NODE, blockId: BLOCK_ID, state: 'online_movable', labels });
    await stage.waitReady(block);
    // A block that is not there yet is added first; the last operation is the one that onlines it.
    const { lastOperation } = await stage.blockStatus(block);
    const runId = lastOperation?.runId ?? '';
    await eventually('the workflow has told its end', async () =>
      messages(await linesOf(OPERATORS, runId)).has('operation ended'),
    );

    const told = await linesOf(OPERATORS, runId);
    const expected = ['operation started', 'locks taken', 'notifier', 'operation ended'];
    for (const message of expected) assert.ok(messages(told).has(message), `an operator says "${message}"`);
    const steps = await linesOf(['agent'], runId);
    assert.deepEqual(
      steps.filter(({ message }) => message === 'driver step').map(({ step }) => step),
      ['prepare', 'commit', 'finish'],
    );

    for (const line of [...told, ...steps]) {
      const { workflowId, node } = line;
      const about = { workflowId, node, block: line['block'] };
      assert.deepEqual(
        about,
        { workflowId: stage.operationId(NODE, BLOCK_ID), node: NODE, block },
        JSON.stringify(line),
      );
    }
    const locked = [...told, ...steps].filter(({ message }) =>
      ['locks taken', 'notifier', 'driver step'].includes(String(message)),
    );
    for (const { message, step, tokens = {} } of locked) {
      // mem_hotplug_lock is given back before the block's state becomes visible.
      const held = message === 'notifier' || message === 'locks taken' || step !== 'finish' ? LOCKS : LOCKS.slice(0, 2);
      assert.deepEqual(Object.keys(tokens).sort(), held, `${String(message)} ${String(step)}`);
      assert.ok(Object.values(tokens).every(Number.isSafeInteger));
    }
  });

  it('have fields that docs/logging.md explains, on each line about an operation', async () => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/logging.md'), 'utf8');
    const cells = [...page.matchAll(/^\| (?<cell>`[^|]+`) \|/gm)].map(({ groups }) => groups?.['cell'] ?? '');
    const explained = new Set(
      cells.flatMap((cell) =>
        cell
          .replaceAll('`', '')
          .split(', ')
          .map((name) => name.trim()),
      ),
    );
    for (const line of (await allLines()).filter((line) => line['runId'] !== undefined)) {
      const unknown = Object.keys(line).filter((field) => !explained.has(field));
      assert.deepEqual(unknown, [], JSON.stringify(line));
    }
  });

  it('have constant messages: what is about one object stands in fields', async () => {
    const lines = await allLines();
    assert.ok(lines.length > 0);
    // Those of Temporal's native core are made elsewhere.
    for (const { message } of lines.filter((line) => line['component'] !== 'core')) {
      assert.doesNotMatch(String(message), /logged|memory\d|\d{3}/);
    }
    for (const line of lines) assert.ok(line['process'] === 'operator' || line['process'] === 'agent');
  });
});
