/** Whoever waits for a lock says for whom, in the block and in the node, for as long as it waits. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'waiting';
const HOLDER = `${NODE}-memory8`;
const WAITER = `${NODE}-memory9`;
/** Longer than the 5 s after which a wait is shown, and than the next look. */
const HOLD_MS = 14_000;

describe('a long wait for locks', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  const blocks = [
    { range: '0', state: 'online', zone: 'Normal' },
    { range: '8-9', state: 'offline' },
  ] as const;
  const shown = async () => (await stage.node(NODE))?.status?.locks;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE, { simulated: { blocks } });
    const labels = { 'memhp-test/slow': NODE };
    const plugin = { name: 'fault-injection', config: { delayMs: { MEM_GOING_ONLINE: HOLD_MS } } };
    await stage.applyNotifier('slow', { plugin, timeoutSeconds: 30, blockSelector: { matchLabels: labels } });
    await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online', labels });
    await eventually('it holds the locks', async () => (await stage.blockStatus(HOLDER)).operation?.bootId);
    await stage.applyBlock({ nodeName: NODE, blockId: 9, state: 'online' });
  });
  after(async () => {
    await stage.kubectl.run(['delete', '--ignore-not-found', 'mnot/slow']);
    await stage.deleteNode(NODE);
  });

  it('names the holder in the block', async () => {
    const { operation, conditions } = await stage.untilReason(WAITER, 'WaitingForLocks');
    assert.equal(operation?.phase, 'WaitingForLocks');
    const ready = conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', /online memory8 holds device_hotplug_lock since/);
  });

  it('shows holders and waiters in the node', async () => {
    const locks = await eventually('they are shown', shown);
    assert.deepEqual(
      locks.map(({ name }) => name),
      ['device_hotplug_lock'],
    );
    assert.match(locks[0]?.holders.join() ?? '', /^online memory8 \(write\) since \S+, workflow \S+\/waiting\/8$/);
    assert.match(locks[0]?.waiters.join() ?? '', /^online memory9 \(write\) since \S+, workflow \S+\/waiting\/9$/);
  });

  it('is not shown any more once it is over', async () => {
    await stage.waitReady(WAITER, 30);
    await eventually('nothing is shown', async () => (await shown()) === undefined);
  });
});
