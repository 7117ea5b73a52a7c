import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Readiness } from '../../src/process/readiness.ts';
import { FakeClock } from '../support/fake-clock.ts';

const OK = { ok: true, message: 'well' };
const BAD = { ok: false, message: 'not well' };

describe('the readiness of a process', () => {
  let clock: FakeClock;
  let readiness: Readiness;

  beforeEach(() => {
    clock = new FakeClock();
    readiness = new Readiness(() => clock.nowMs());
  });

  const checkOf = (name: string) => readiness.report().checks.find((check) => check.name === name);

  it('begins when the process says that it has started, and ends at once when it shuts down', () => {
    assert.equal(readiness.report().ready, false);
    readiness.started();
    assert.equal(readiness.report().ready, true);
    readiness.shutDown();
    assert.equal(readiness.report().ready, false);
    assert.equal(checkOf('process')?.message, 'shutting down');
  });

  it('does not come back once the process shuts down', () => {
    readiness.shutDown();
    readiness.started();
    assert.equal(readiness.report().ready, false);
  });

  it('is that of all checks together', () => {
    readiness.started();
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), (found) => {
        for (const name of ['0', '1', '2', '3', '4'])
          readiness.add(name, () => ((found[Number(name)] ?? true) ? OK : BAD));
        assert.equal(readiness.report().ready, found.every(Boolean));
      }),
    );
  });

  it('tells since when each check is as it is', () => {
    let found = OK;
    readiness.add('server', () => found);
    const first = checkOf('server')?.since;
    assert.equal(first, new Date(clock.nowMs()).toISOString());
    clock.advance(5_000);
    assert.equal(checkOf('server')?.since, first);
    found = BAD;
    const failedSince = new Date(clock.nowMs()).toISOString();
    assert.deepEqual(checkOf('server'), { name: 'server', ...BAD, since: failedSince });
    clock.advance(5_000);
    found = { ...BAD, message: 'still not well' };
    assert.equal(checkOf('server')?.since, failedSince, 'another message is no change');
  });
});
