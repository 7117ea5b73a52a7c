import assert from 'node:assert/strict';
import type { LookAgainResult, OperationActivities } from '../../src/contract/activities.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

describe('a second look whose answer is not understood', function () {
  this.timeout(30_000);
  let stage: OperationStage;
  afterEach(() => stage.close());

  it('is no permission: nothing is done, and it is tried again', async () => {
    const activities: Partial<OperationActivities> = {
      lookAgain: () => Promise.resolve({ verdict: 'postponed' } as unknown as LookAgainResult),
    };
    stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online' })).open({
      activitiesOf: () => activities as OperationActivities,
    });
    const run = await stage.start({
      type: 'offline',
      input: { ...stage.base, blockId: 31, offlineTimeoutMs: 10_000 },
    });
    const { result, errno, message } = await run.result();
    assert.deepEqual([result, errno], ['Failed', 'EAGAIN'], message);
    assert.deepEqual(stage.node.steps, []);
    assert.deepEqual((await stage.lockTable()).locks, []);
  });
});
