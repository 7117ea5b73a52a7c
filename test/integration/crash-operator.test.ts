/**
 * The operator is killed (SIGKILL) at each point of an operation where something is half done. Whoever comes next, the
 * operator started again or another that runs beside it, ends the operation once.
 *
 * Each case has a node of its own and the failpoint names it, so a case may still recover while the next one crashes.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { assertEndedOnce, ONE_OPERATION_LAYOUT, type ExpectedEnd } from '../support/ended-once.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import type { SupervisedChild } from '../../src/dev/supervise.ts';

interface CrashCase {
  readonly title: string;
  readonly node: string;
  readonly operation: ExpectedEnd['operation'];
  /** As in src/operator/failpoints.ts, without the node. */
  readonly failpoint: string;
}

function halfDone(operation: ExpectedEnd['operation']): readonly CrashCase[] {
  const action = operation.toUpperCase();
  return [
    { title: 'device_hotplug_lock is held', failpoint: 'before:lookAgain', operation, node: `${operation}-held` },
    {
      title: `the chain was asked MEM_GOING_${action}`,
      failpoint: `after:callPlugins:MEM_GOING_${action}`,
      operation,
      node: `${operation}-going`,
    },
    {
      title: 'the driver has done its work',
      failpoint: `before:callPlugins:MEM_${action}`,
      operation,
      node: `${operation}-done`,
    },
  ];
}

const CASES: readonly CrashCase[] = [
  ...halfDone('online'),
  ...halfDone('offline'),
  {
    title: 'the locks are about to be released',
    failpoint: 'before:releaseLocks:all',
    operation: 'online',
    node: 'online-releasing',
  },
  {
    title: 'the locks are released and no status is written',
    failpoint: 'before:recordOutcome',
    operation: 'online',
    node: 'online-released',
  },
  {
    title: 'the status is written and the operation has not closed',
    failpoint: 'after:recordOutcome',
    operation: 'online',
    node: 'online-recorded',
  },
];
const BLOCK = {
  online: { blockId: 8, state: 'online_movable' },
  offline: { blockId: 4, state: 'offline' },
} as const;

describe('operator killed in the middle of an operation', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  const startOperator = (name: string, { failpoint, node }: CrashCase): Promise<SupervisedChild> => {
    const marker = path.join(stage.environment.nodesDirectory, `${node}.failpoint`);
    return stage.startOperator(name, { MEMHP_FAILPOINTS: `${failpoint}:${node}=${marker}` });
  };
  const applyBlock = ({ node, operation }: CrashCase): Promise<string> =>
    stage.applyBlock({ nodeName: node, ...BLOCK[operation] });

  const untilEnded = (name: string): Promise<unknown> =>
    stage.untilBlock(name, 'the operation has ended', ({ status }) => status?.lastOperation !== undefined, {
      limitMs: 40_000,
    });

  before(async function () {
    this.timeout(300_000); // nine recoveries, one after the other, of up to 15 s each
    stage = await openOperatorStage({ private: true, operators: 0 });
    await stage.applyNotifier('agrees', { plugin: { name: 'fault-injection', config: {} } });
    const nodes = [...CASES.map(({ node }) => node), 'taken-over'];
    await Promise.all(nodes.map((node) => stage.createNode(node, { simulated: ONE_OPERATION_LAYOUT })));
    let recovering: string | undefined;
    for (const one of CASES) {
      const operator = await startOperator('operator', one);
      // What is tested is one death, not a row of them: the next comes when this one has been got over.
      if (recovering !== undefined) await untilEnded(recovering);
      recovering = await applyBlock(one);
      const { signal } = await operator.exited;
      assert.equal(signal, 'SIGKILL', `the operator was to die at ${one.failpoint}`);
    }
    await stage.startOperator('operator');
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  for (const { title, node, operation } of CASES) {
    it(`${operation}: ${title}`, async () => {
      const { notifiers = [] } = await assertEndedOnce(stage, { node, blockId: BLOCK[operation].blockId, operation });
      const action = operation.toUpperCase();
      assert.deepEqual(
        notifiers.map((answer) => answer.action),
        [`MEM_GOING_${action}`, `MEM_${action}`],
      );
    });
  }

  it('another operator takes over without any restart', async () => {
    const failing: CrashCase = {
      title: '',
      failpoint: 'after:callPlugins:MEM_GOING_ONLINE',
      operation: 'online',
      node: 'taken-over',
    };
    await stage.process('operator').stop();
    // Both would die there, but a failpoint is spent by the first.
    const operators = await Promise.all(['one', 'other'].map((name) => startOperator(name, failing)));
    await applyBlock(failing);
    const { signal } = await Promise.race(operators.map(({ exited }) => exited));
    assert.equal(signal, 'SIGKILL');
    await assertEndedOnce(stage, { node: failing.node, blockId: 8, operation: 'online' });
    assert.equal(operators.filter(({ isRunning }) => isRunning).length, 1, 'the other one ran all the time');
  });
});
