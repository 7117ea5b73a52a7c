import assert from 'node:assert/strict';
import { SeenPolls } from '../../src/temporal/seen-polls.ts';
import { checkWorker } from '../../src/temporal/worker-check.ts';

const RUNNING = { runState: 'RUNNING', workflowPollerState: 'SHUTDOWN', activityPollerState: 'POLLING' } as const;

describe('the polls of a worker that the server has seen', () => {
  let nowMs: number;
  let polls: SeenPolls;

  beforeEach(() => {
    nowMs = 1_000_000;
    polls = new SeenPolls(() => nowMs);
  });

  it('are missing until one has been seen', () => {
    assert.match(polls.whyUnseen ?? '', /yet/);
    polls.told([undefined, undefined]);
    assert.match(polls.whyUnseen ?? '', /yet/);
    polls.told([undefined, '7.0']);
    assert.equal(polls.whyUnseen, undefined);
  });

  it('count from when they are told, whatever the clock of the server says', () => {
    for (const time of ['7000000000.5', '3.0', '12.0']) {
      polls.told([time]);
      nowMs += 85_000;
      assert.equal(polls.whyUnseen, undefined, time);
    }
  });

  it('are missed after a poll should have ended and the next one begun', () => {
    polls.told(['7.0']);
    nowMs += 75_000;
    polls.told(['7.0']);
    assert.equal(polls.whyUnseen, undefined, 'a long poll may still be under way');
    nowMs += 20_000;
    assert.equal(polls.whyUnseen, 'none of its polls has reached the server for 95 s');
    polls.told(['8.0']);
    assert.equal(polls.whyUnseen, undefined);
  });

  it('of either kind are enough: a worker does not poll for what all its slots are taken by', () => {
    polls.told(['7.0', '7.0']);
    nowMs += 85_000;
    polls.told(['7.0', '8.0']);
    nowMs += 85_000;
    assert.equal(polls.whyUnseen, undefined);
  });

  it('are not renewed by the server when it forgets them', () => {
    polls.told(['7.0', '6.0']);
    nowMs += 85_000;
    polls.told(['7.0', undefined]);
    polls.told([undefined, undefined]);
    polls.told(['7.0', '6.0']);
    nowMs += 10_000;
    assert.match(polls.whyUnseen ?? '', /for 95 s/);
  });
});

describe('the check of a worker', () => {
  const checkOf = (status: object, whyUnseen?: string) =>
    checkWorker({ getStatus: () => ({ ...RUNNING, ...status }) as never }, { whyUnseen });

  it('is passed while it runs and its polls are seen', () =>
    assert.deepEqual(checkOf({}), { ok: true, message: 'RUNNING' }));

  it('is not while its polls are lost on the way, though the SDK says that it runs', () =>
    assert.deepEqual(checkOf({}, 'no poll'), { ok: false, message: 'RUNNING; no poll' }));

  it('is not while it does not run, or a poller has failed, and says that', () => {
    assert.deepEqual(checkOf({ runState: 'DRAINING' }, 'no poll'), { ok: false, message: 'DRAINING' });
    assert.equal(checkOf({ activityPollerState: 'FAILED' }).message, 'RUNNING; a poller has failed');
  });
});
