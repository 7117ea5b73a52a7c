/** `memhp operator --max-concurrent-offlines`: offlines of different nodes take turns, and say so. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { OFFLINE_PERMITS_QUERY } from '../../src/contract/offline-permits.ts';
import { offlinePermitsWorkflowId } from '../../src/contract/names.ts';
import type { PermitTableView } from '../../src/contract/permit-table-view.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { ReaderProcess } from '../support/reader-process.ts';

describe('a fleet-wide limit of concurrent offlines', function () {
  this.timeout(90_000);
  let stage: OperatorStage;
  let reader: ReaderProcess | undefined;

  before(async () => {
    stage = await openOperatorStage({ private: true, operators: 0 });
    await stage.startOperator('operator-1', { MEMHP_MAX_CONCURRENT_OFFLINES: '1' });
    await stage.createNode('turn-1');
    await stage.createNode('turn-2');
  });
  after(async () => {
    await reader?.kill();
    await stage.close();
  });

  const permits = () =>
    stage.temporal.workflow
      .getHandle(offlinePermitsWorkflowId(stage.clusterId))
      .query<PermitTableView>(OFFLINE_PERMITS_QUERY);

  it('lets the second wait without locks, tells the user why, and goes on when the first has ended', async () => {
    // The first waits for it, with its permit, for as long as the test looks.
    reader = await ReaderProcess.memhp(path.join(stage.environment.nodesDirectory, 'turn-1')).inside();
    await stage.applyBlock({ nodeName: 'turn-1', blockId: 7, state: 'offline' });
    await eventually(
      'the first is under way',
      async () => (await stage.blockStatus('turn-1-memory7')).operation?.bootId,
    );
    await stage.applyBlock({ nodeName: 'turn-2', blockId: 7, state: 'offline' });
    const { operation, conditions } = await stage.untilReason('turn-2-memory7', 'WaitingForPermit');
    assert.equal(operation?.phase, 'WaitingForPermit');
    const ready = conditions?.find(({ type }) => type === 'Ready');
    assert.match(
      ready?.message ?? '',
      /offline: WaitingForPermit since .* \(at most one offline at a time in the fleet; /,
    );
    const { limit, holders, waiters } = await permits();
    assert.deepEqual(
      [limit, holders.map(({ purpose }) => purpose), waiters.map(({ purpose }) => purpose)],
      [1, ['offline memory7 of turn-1'], ['offline memory7 of turn-2']],
    );
    await reader.kill();
    await stage.waitReady('turn-1-memory7', 30);
    await stage.waitReady('turn-2-memory7', 30);
    await eventually('no permit is held', async () => (await permits()).holders.length === 0);
  });
});
