/** What Prometheus reads of real operators. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { runCommand } from '../support/run-command.ts';

const NODE = 'measured';
const OPERATORS = ['operator-1', 'operator-2'];

describe('metrics', function () {
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

  async function urlOf(operator: string): Promise<string> {
    const line = (await stage.log(operator)).findLast(({ message }) => message === 'serving metrics');
    return String(line?.['url']);
  }

  async function scrape(operator: string): Promise<string> {
    const response = await fetch(await urlOf(operator));
    assert.equal(response.status, 200);
    return response.text();
  }

  /** Summed over the operators, as a query would. */
  async function total(series: string): Promise<number> {
    const texts = await Promise.all(OPERATORS.map(scrape));
    const values = texts.flatMap((text) => text.split('\n').filter((line) => line.startsWith(`${series} `)));
    return values.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
  }

  it('count an operation on the operator that serves the lock workflow of its node', async () => {
    const held = 'memhp_lock_hold_seconds_count{lock="device_hotplug_lock",mode="write"}';
    const waited = 'memhp_lock_wait_seconds_count{lock="device_hotplug_lock",mode="write"}';
    const before = await Promise.all([total(held), total(waited)]);
    await stage.waitReady(await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online_movable' }));
    await eventually('the lock was taken and given back', async () => {
      const [holds, waits] = await Promise.all([total(held), total(waited)]);
      return holds > before[0] && waits > before[1];
    });
  });

  it('count the calls of a notifier, until its MemoryNotifier is deleted', async () => {
    const labels = { test: NODE };
    const plugin = { name: 'fault-injection', config: {} };
    await stage.applyNotifier(NODE, { blockSelector: { matchLabels: labels }, plugin });
    await stage.waitReady(await stage.applyBlock({ nodeName: NODE, blockId: 9, state: 'online_movable', labels }));
    for (const action of ['MEM_GOING_ONLINE', 'MEM_ONLINE']) {
      const series = `{plugin="${NODE}",action="${action}"`;
      assert.equal(await total(`memhp_notifier_calls_total${series},result="NOTIFY_OK"}`), 1, action);
      assert.equal(await total(`memhp_notifier_call_duration_seconds_count${series}}`), 1, action);
    }
    await stage.kubectl.succeed(['delete', `mnot/${NODE}`]);
    await eventually('no operator has any of its series', async () => {
      const texts = await Promise.all(OPERATORS.map(scrape));
      return texts.every((text) => !text.includes(`plugin="${NODE}"`));
    });
  });

  it('end an operator at once whose port is taken, and say what to do', async () => {
    const { host } = new URL(await urlOf('operator-1'));
    const command = ['node', 'bin/memhp.mjs', 'operator', '--metrics-address', host] as const;
    const { status, output } = await runCommand(command, { env: stage.environment.env, capture: true });
    assert.equal(status, 1);
    assert.match(
      output,
      new RegExp(`^memhp: metrics cannot be served on ${host}: another process .*--metrics-address`, 'm'),
    );
  });
});
