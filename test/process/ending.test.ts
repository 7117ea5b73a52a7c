import assert from 'node:assert/strict';
import { closeInOrder } from '../../src/process/close-in-order.ts';
import { Ending } from '../../src/process/ending.ts';
import { eventually } from '../support/eventually.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

describe('the end of a process', () => {
  let statuses: number[];
  let shutDowns: number;

  beforeEach(() => {
    statuses = [];
    shutDowns = 0;
  });

  const ending = (limitMs: number): Ending =>
    new Ending({
      log: SILENT_LOGGER,
      readiness: { shutDown: () => shutDowns++ },
      limitMs,
      lingerMs: 1,
      exit: (status) => statuses.push(status),
    });
  const untilGivenUp = () => eventually('it is given up', () => statuses.length > 0, { everyMs: 1 });

  it('begins with a signal: not ready, asked to end, and at an end when the limit has passed', async () => {
    const end = ending(1);
    end.asked('SIGTERM');
    assert.deepEqual([end.signal.aborted, shutDowns, end.fatal], [true, 1, undefined]);
    await untilGivenUp();
    assert.deepEqual(statuses, [1]);
  });

  it('comes at once with a second signal', () => {
    const end = ending(60_000);
    end.asked('SIGTERM');
    assert.deepEqual(statuses, []);
    end.asked('SIGINT');
    assert.deepEqual(statuses, [1]);
  });

  it('begins with what it cannot go on from: not ready, of no use any more, and limited just so', async () => {
    const end = ending(1);
    end.failed(new Error('a worker has died'));
    end.failed(new Error('a connection is still in use'));
    assert.deepEqual([end.signal.aborted, shutDowns, end.fatal], [false, 1, 'Error: a worker has died']);
    await untilGivenUp();
    assert.deepEqual(statuses, [1]);
  });

  it('comes soon after all is closed where it could not go on, though something keeps the process', async () => {
    const asked = ending(60_000);
    asked.asked('SIGTERM');
    asked.closed();
    const failed = ending(60_000);
    failed.failed(new Error('a worker has died'));
    failed.closed();
    await untilGivenUp();
    assert.deepEqual(statuses, [1]);
  });
});

describe('closeInOrder', () => {
  it('closes what comes after a part that fails, and says which one failed', async () => {
    const warned: object[] = [];
    const closed: string[] = [];
    const log = { debug: () => undefined, warn: (_message: string, fields: object) => warned.push(fields) };
    const error = new Error('still in use');
    await closeInOrder(log, {
      workers: () => Promise.reject(error),
      plugins: () => {
        throw error;
      },
      connection: () => Promise.resolve(closed.push('connection')),
    });
    assert.deepEqual(closed, ['connection']);
    assert.deepEqual(warned, [
      { what: 'workers', error },
      { what: 'plugins', error },
    ]);
  });
});
