/**
 * The operator is killed (SIGKILL) at each point of an operation where something is half done. Whoever comes next, the
 * same operator started again or another one that runs beside it, ends the operation once.
 *
 * Each case has a node of its own and the failpoint names it, so a case may still recover while the next one crashes.
 */
import assert from 'node:assert/strict';
import { assertEndedOnce, type ExpectedEnd } from '../support/ended-once.ts';
import { FaultStage } from '../support/fault-stage.ts';

interface CrashCase {
  readonly title: string;
  readonly node: string;
  readonly operation: ExpectedEnd['operation'];
  /** Without the node. */
  readonly failpoint: string;
}

const CASES: readonly CrashCase[] = [
  ...(['online', 'offline'] as const).flatMap((operation): CrashCase[] => {
    const action = operation.toUpperCase();
    return [
      { title: 'device_hotplug_lock is held', failpoint: 'before:lookAgain', operation, node: `${operation}-held` },
      {
        title: `the chain was asked MEM_GOING_${action}`,
        failpoint: `after:callNotifier:MEM_GOING_${action}`,
        operation,
        node: `${operation}-going`,
      },
      {
        title: 'the driver has done its work',
        failpoint: `before:callNotifier:MEM_${action}`,
        operation,
        node: `${operation}-done`,
      },
    ];
  }),
  {
    title: 'the locks are about to be released',
    failpoint: 'before:sendLockMessage:release-all',
    operation: 'online',
    node: 'online-release',
  },
  {
    title: 'the locks are released and no status is written',
    failpoint: 'before:recordOutcome',
    operation: 'online',
    node: 'online-released',
  },
  {
    title: 'the status is written and the operation not yet closed',
    failpoint: 'after:recordOutcome',
    operation: 'online',
    node: 'online-recorded',
  },
];
const BLOCK = { online: 32, offline: 24 } as const;
const WISH = { online: 'online_movable', offline: 'offline' } as const;

describe('operator killed in the middle of an operation', function () {
  this.timeout(100_000);
  let stage: FaultStage;

  /** Applies the block and waits for the failpoint to strike. */
  async function crash({ node, operation, failpoint }: CrashCase, name: string): Promise<void> {
    const operator = await stage.startOperator(name, `${failpoint}:${node}`);
    await stage.applyBlock(node, BLOCK[operation], { state: WISH[operation] });
    const { signal } = await operator.exited;
    assert.equal(signal, 'SIGKILL', `the operator was to die at ${failpoint}`);
  }

  before(async () => {
    stage = await FaultStage.open();
    await stage.startAgent();
    await stage.registerAgreeingNotifier();
    await Promise.all(CASES.map(({ node }) => stage.createNode(node)));
    for (const one of CASES) await crash(one, `operator-${one.node}`);
    await stage.startOperator('operator');
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  for (const { title, node, operation } of CASES) {
    it(`${operation}: ${title}`, async () => {
      await assertEndedOnce(stage, { node, blockId: BLOCK[operation], operation });
    });
  }
});
