/** A plugin inside the operator that loops for ever or ends its process: the operator lives, other nodes do not notice. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const BLOCK = 7;
/** More than an operation on another node takes: the loop must still go on when that is done. */
const LOOP_SECONDS = 5;

const MISDEEDS = [
  { does: 'loop', errno: 'ETIMEDOUT', reason: /plugin misbehaving timed out after 5 s/ },
  { does: 'exit', errno: 'EIO', reason: /plugin misbehaving .*exit/ },
] as const;

describe('a plugin inside the operator that', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await Promise.all(['hung', 'not-hung'].map((node) => stage.createNode(node)));
  });
  after(async () => {
    for (const node of ['hung', 'not-hung']) await stage.deleteNode(node);
    const names = MISDEEDS.map(({ does }) => `must-not-${does}`);
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot', ...names]);
  });

  for (const [index, { does, errno, reason }] of MISDEEDS.entries()) {
    it(`${does}s vetoes its block with ${errno}, delays no other node and ends no operator`, async () => {
      const operators = ['operator-1', 'operator-2'].map((name) => stage.process(name));
      await stage.applyNotifier(`must-not-${does}`, {
        actions: ['MEM_GOING_OFFLINE'],
        blockSelector: { matchLabels: { misdeed: does } },
        timeoutSeconds: LOOP_SECONDS,
        plugin: { name: 'misbehaving', config: { does } },
      });
      const blockId = BLOCK - index;
      const hung = await stage.applyBlock({
        nodeName: 'hung',
        blockId,
        state: 'offline',
        labels: { misdeed: does },
      });
      await stage.untilBlock(hung, 'the plugin is asked', ({ status }) => status?.operation?.bootId !== undefined);
      await stage.waitReady(await stage.applyBlock({ nodeName: 'not-hung', blockId, state: 'offline' }));
      const overtaken = await stage.blockStatus(hung);
      if (does === 'loop') assert.equal(overtaken.lastOperation, undefined, 'the other node did not wait for it');

      const { lastOperation, state } = await stage.untilReason(hung, 'Vetoed');
      assert.deepEqual([lastOperation?.errno, state], [errno, 'online']);
      assert.match(lastOperation!.message, reason);
      assert.ok(operators.every(({ isRunning }) => isRunning));
    });
  }
});
