/** What Prometheus reads of real operators. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { endpointOf, scrape } from '../support/process-endpoints.ts';
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

  /** Summed over the operators, as a query would. */
  async function total(series: string): Promise<number> {
    const values = await Promise.all(OPERATORS.map((name) => valueOf(name, series)));
    return values.reduce((sum, value) => sum + value, 0);
  }

  /** Of one process; 0 where there is no such series. */
  async function valueOf(name: string, series: string): Promise<number> {
    const line = (await scrape(stage, name)).split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
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

  it('count each operation once, its looks, its requests and its driver steps', async () => {
    const operations = ['add', 'online'].map((type) => `memhp_operations_total{type="${type}",result="Succeeded"}`);
    const step = 'memhp_driver_steps_total{operation="online",step="commit",result="ok"}';
    const counted = async () => ({
      operations: await Promise.all(operations.map(total)),
      steps: await valueOf('agent', step),
      looks: await total('controller_runtime_reconcile_total{controller="memoryblock",result="success"}'),
      adds: await total('workqueue_adds_total{name="memoryblock",controller="memoryblock"}'),
      timed: await total('memhp_operation_duration_seconds_count{type="online"}'),
    });
    const before = await counted();
    await stage.waitReady(await stage.applyBlock({ nodeName: NODE, blockId: 10, state: 'online_movable' }));
    // The outcome is written, and the block Ready with it, just before it is counted.
    const after = await eventually('both are counted', async () => {
      const now = await counted();
      return now.operations.every((count, index) => count > (before.operations[index] ?? 0)) && now;
    });
    assert.deepEqual(
      after.operations,
      before.operations.map((count) => count + 1),
      'added once, brought online once',
    );
    assert.equal(after.steps, before.steps + 1);
    assert.equal(after.timed, before.timed + 1);
    assert.ok(after.looks > before.looks && after.adds > before.adds);
    const { server = '' } = stage.kubeConfig.getCurrentCluster() ?? {};
    const requests = `rest_client_requests_total{code="200",method="PATCH",host="${new URL(server).host}"}`;
    assert.ok((await total(requests)) > 0 && (await valueOf('agent', requests)) > 0);
  });

  it('tell of each process all that docs/metrics.md says, and what the SDK of Temporal tells, each metric once', async () => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    for (const [name, letter] of [
      ['operator-1', 'o'],
      ['agent', 'a'],
    ] as const) {
      const text = await scrape(stage, name);
      const told = [...text.matchAll(/^# TYPE (?<metric>\w+) /gm)].map(({ groups }) => groups?.['metric'] ?? '');
      assert.equal(new Set(told).size, told.length, 'no metric twice');
      const rows = [...page.matchAll(/^\| `(?<metric>\w+)` \| \w+ \| (?<of>[oa, ]+) \|/gm)];
      for (const { groups } of rows.filter((row) => row.groups?.['of']?.includes(letter))) {
        assert.ok(told.includes(groups?.['metric'] ?? ''), `${name} tells ${String(groups?.['metric'])}`);
      }
      for (const metric of ['temporal_request_total', 'temporal_num_pollers', 'process_cpu_seconds_total']) {
        assert.ok(told.includes(metric), `${name} tells ${metric}`);
      }
    }
  });

  it('count objects as long as they are there', async () => {
    const other = `${NODE}-2`;
    await stage.createNode(other);
    await stage.waitReady(await stage.applyBlock({ nodeName: other, blockId: 8, state: 'online_movable' }));
    const series = {
      [`memhp_memoryblocks{node="${other}",state="online"}`]: 1,
      [`memhp_agent_ready{node="${other}"}`]: 1,
      // Eight blocks were there before.
      [`memhp_node_memory_bytes{node="${other}",state="online"}`]: 9 * 128 * 2 ** 20,
    };
    for (const operator of OPERATORS) {
      for (const [name, value] of Object.entries(series)) {
        await eventually(
          `${operator}: ${name} is ${String(value)}`,
          async () => (await valueOf(operator, name)) === value,
        );
      }
    }
    await stage.deleteNode(other);
    await eventually('no operator has any series of the node', async () => {
      const texts = await Promise.all(OPERATORS.map((name) => scrape(stage, name)));
      return texts.every((text) => !text.includes(`node="${other}"`));
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
      const texts = await Promise.all(OPERATORS.map((name) => scrape(stage, name)));
      return texts.every((text) => !text.includes(`plugin="${NODE}"`));
    });
  });

  it('end an operator at once whose port is taken, and say what to do', async () => {
    const { host } = new URL(await endpointOf(stage, 'operator-1'));
    const command = ['node', 'bin/memhp.mjs', 'operator', '--metrics-address', host] as const;
    const { status, output } = await runCommand(command, { env: stage.environment.env, capture: true });
    assert.equal(status, 1);
    assert.match(
      output,
      new RegExp(`^memhp: metrics cannot be served on ${host}: another process .*--metrics-address`, 'm'),
    );
  });
});
