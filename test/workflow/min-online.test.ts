/** NodeMemory.spec.minOnline against offlines that are started side by side: what is online is judged under the lock. */
import assert from 'node:assert/strict';
import type { LookAgainInput, OperationActivities } from '../../src/contract/activities.ts';
import { formatBytes } from '../../src/contract/quantity.ts';
import { lookAgain } from '../../src/controller/look-again.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

const BLOCKS = [30, 31, 32, 33];
/** Three of four blocks: one may go. */
const FLOOR = 3 * BLOCK_SIZE;

describe('the floor of a node, and offlines side by side', function () {
  this.timeout(30_000);
  let stage: OperationStage;
  let node: ScriptedNode;
  const looks: LookAgainInput[] = [];

  before(async () => {
    node = new ScriptedNode('worker-1', Object.fromEntries(BLOCKS.map((blockId) => [blockId, 'online' as const])));
    // What the API server knows lags: it never hears that a block has gone.
    const status = { online: formatBytes(BLOCKS.length * BLOCK_SIZE) };
    const nodeMemory = { metadata: { name: node.name }, spec: { minOnline: formatBytes(FLOOR) }, status };
    const chain = { notifiers: [], fingerprint: 'test' };
    const activities: Partial<OperationActivities> = {
      lookAgain(input) {
        looks.push(input);
        return Promise.resolve(
          lookAgain(input, { block: undefined, node: nodeMemory, isCrdTerminating: false, chain }),
        );
      },
    };
    stage = await new OperationStage(node).open({ activitiesOf: () => activities as OperationActivities });
  });
  after(() => stage.close());

  it('they cannot cross it together: the first passes, all others see what it has left', async () => {
    const first = node.holdAt('offline.prepare');
    const runs = await Promise.all(
      BLOCKS.map((blockId) =>
        stage.start({ type: 'offline', input: { ...stage.base, blockId, offlineTimeoutMs: 10_000 } }),
      ),
    );
    await first.reached;
    assert.equal(looks.length, 1, 'nobody judges what is online while another is about to change it');
    first.letGo();
    const outcomes = await Promise.all(runs.map((run) => run.result()));
    assert.deepEqual(outcomes.map(({ result }) => result).sort(), ['Failed', 'Failed', 'Failed', 'Succeeded']);
    for (const { result, errno, cause, message, grounds } of outcomes.filter(
      (outcome) => outcome.result === 'Failed',
    )) {
      assert.deepEqual([result, errno, cause], ['Failed', 'EPERM', 'Deferred']);
      assert.deepEqual(grounds, { minOnline: formatBytes(FLOOR) });
      assert.match(message, /spec\.minOnline of NodeMemory worker-1 is 384Mi; 384Mi is online, 256Mi would be left/);
    }
    assert.equal(node.onlineBytes, FLOOR);
  });
});
