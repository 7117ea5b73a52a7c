import assert from 'node:assert/strict';
import { blockOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = 'worker-1-memory32';
const DETAIL = 'at most 2 offlines at a time in the fleet; workflow c0ffee00/offline-permits shows which are under way';

describe('a controller with a limit of concurrent offlines', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  /** Whether the one operation that was started knows of a limit, and which. */
  const limit = () => {
    const { input } = stage.operations.running().request;
    return 'maxConcurrentOfflines' in input ? input.maxConcurrentOfflines : 'none';
  };

  it('gives it to offlines and to nothing else', async () => {
    stage.maxConcurrentOfflines = 2;
    await stage.run(blockOf({ state: 'offline' }, { state: 'online' }));
    assert.deepEqual([stage.operations.started, limit()], [['offline'], 2]);
  });

  for (const [what, max, spec, state] of [
    ['an online', 2, 'online', 'offline'],
    ['an offline without a limit', undefined, 'offline', 'online'],
  ] as const) {
    it(`${what} does not hear of one`, async () => {
      stage.maxConcurrentOfflines = max;
      await stage.run(blockOf({ state: spec }, { state }));
      assert.equal(limit(), 'none');
    });
  }

  it('tells a long wait for a permit, and does not look at locks, of which it holds and wants none', async () => {
    stage.operations.progress = { phase: 'WaitingForPermit', since: '2026-01-01T12:00:00Z', detail: DETAIL };
    await stage.run(blockOf({ state: 'offline' }, { state: 'online' }));
    await stage.pass(6_000);
    const [ready, reason, message] = stage.ready(NAME);
    assert.deepEqual([ready, reason], ['False', 'WaitingForPermit']);
    assert.equal(message, `offline: WaitingForPermit since 12:00:00Z (${DETAIL})`);
    assert.equal(stage.status(NAME).operation?.phase, 'WaitingForPermit');
    assert.equal(stage.status(NAME).conditions?.find(({ type }) => type === 'Reconciling')?.status, 'True');
    assert.equal(stage.locks.looks, 0);
    assert.ok(stage.cluster.events.some((event) => event.type === 'Normal' && event.reason === 'WaitingForPermit'));
  });

  it('withdraws it as soon as it is no longer wanted', async () => {
    stage.operations.progress = { phase: 'WaitingForPermit', since: '2026-01-01T12:00:00Z' };
    await stage.run(blockOf({ state: 'offline' }, { state: 'online' }));
    await stage.pass(6_000);
    stage.cluster.edit(NAME, { state: 'online' });
    await stage.settle();
    assert.ok(stage.operations.running().isCancelRequested);
  });
});
