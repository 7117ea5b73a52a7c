/** Pods die, as they do: an agent in the middle of an offline, then all operators at once. */
import { memoryBlockName } from '../../src/contract/names.ts';
import { assertEndedOnce, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';

const BLOCK = 4;

describe('pods that are killed in the middle of an operation', function () {
  this.timeout(120_000);
  let stage: E2eStage;

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
  });

  for (const component of ['simulated-agent', 'operator'] as const) {
    it(`${component}: the operation ends once`, async () => {
      const simulated = { ...ONE_OPERATION_LAYOUT, migrationMs: 4_000 };
      const node = await stage.createNode(`sim-without-${component}`, { simulated });
      await stage.applyBlock({ nodeName: node, blockId: BLOCK, state: 'offline' });
      await eventually('pages migrate', async () => {
        const { state } = await stage.blockStatus(memoryBlockName(node, BLOCK));
        return state === 'going-offline';
      });
      const selector = `--selector=app.kubernetes.io/component=${component}`;
      await stage.kubectl.succeed(['-n', 'memhp-system', 'delete', 'pods', selector, '--grace-period=0', '--force']);
      await assertEndedOnce(stage, { node, blockId: BLOCK, operation: 'offline' });
    });
  }
});
