import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideAt } from '../../../src/plugins/maintenance-window/decide-at.ts';
import { createPluginHost, type PluginHost } from '../../../src/plugins/in-process/plugin-host.ts';
import { loadPlugins, type PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { MEMORY_ACTIONS, isVetoable } from '../../../src/kernel/memory-action.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';

const SATURDAYS = { schedule: '0 22 * * 6', timeZone: 'Europe/Berlin', durationMinutes: 240 };
const ALWAYS = { schedule: '0 0 * * *', durationMinutes: 1440 };

describe('maintenance-window', function () {
  this.timeout(20_000);
  let registry: PluginRegistry;
  let host: PluginHost;

  before(async () => {
    registry = await loadPlugins({ specifiers: [] });
    const refuse = () => Promise.reject(new Error('not read'));
    const ignore = () => undefined;
    host = createPluginHost({
      registry,
      cluster: { node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  });

  after(() => host.close());

  it('agrees inside of a window and says which', () => {
    assert.deepEqual(decideAt([SATURDAYS], Date.parse('2026-11-28T23:00Z')), {
      result: 'NOTIFY_OK',
      reason: 'in the maintenance window that opened 2026-11-28 22:00 GMT+1 (Europe/Berlin)',
    });
  });

  it('vetoes outside and says when the next one opens, on the clocks of its zone', () => {
    assert.deepEqual(decideAt([SATURDAYS], Date.parse('2026-11-28T20:59:58.400Z')), {
      result: 'NOTIFY_BAD',
      errno: 'EAGAIN',
      reason: 'outside of every maintenance window; the next one opens 2026-11-28 22:00 GMT+1 (Europe/Berlin)',
      retryAfterSeconds: 2,
      outlook: 'Deferred',
    });
  });

  it('never asks to come back before the window is open, nor later than in a day', () => {
    const nowMs = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') });
    fc.assert(
      fc.property(nowMs, (ms) => {
        const { retryAfterSeconds } = decideAt([SATURDAYS], ms);
        if (retryAfterSeconds === undefined) return;
        assert.ok(Number.isInteger(retryAfterSeconds) && retryAfterSeconds >= 1 && retryAfterSeconds <= 86_400);
        const then = decideAt([SATURDAYS], ms + retryAfterSeconds * 1000);
        assert.ok(retryAfterSeconds === 86_400 || then.result === 'NOTIFY_OK');
      }),
    );
  });

  it('says what to correct when no window ever opens', () => {
    const answer = decideAt([{ ...SATURDAYS, schedule: '0 0 30 2 *' }], 0);
    assert.ok(answer.outlook === 'Infeasible' && answer.reason?.includes('correct schedule'));
  });

  it('decides about both GOING actions and about nothing else', async () => {
    const notifier = registeredNotifier({ name: 'maintenance-window', config: { windows: [ALWAYS] } });
    for (const action of MEMORY_ACTIONS) {
      const reply = await host.call(notifier, memoryNotify({ action }));
      assert.equal(reply.kind === 'answer' && reply.answer.result, isVetoable(action) ? 'NOTIFY_OK' : 'NOTIFY_DONE');
    }
  });

  for (const [window, problem] of [
    [SATURDAYS, undefined],
    [ALWAYS, undefined],
    [{ ...SATURDAYS, schedule: '0 22 * * SAT#1' }, undefined],
    [{ ...SATURDAYS, schedule: '0 25 * * 6' }, /windows\/0\/schedule must match format "cron-expression"/],
    [{ ...SATURDAYS, schedule: '0 0 22 * * 6' }, /schedule must match format/],
    [{ ...SATURDAYS, schedule: '2026-11-28T22:00:00' }, /schedule must match format/],
    [{ ...SATURDAYS, schedule: '0 0 30 2 *' }, /schedule must match format/],
    [{ ...SATURDAYS, timeZone: 'Europe/Bärlin' }, /windows\/0\/timeZone must match format "iana-time-zone"/],
    [{ ...SATURDAYS, timeZone: '+01:00' }, /timeZone must match format/],
    [{ ...SATURDAYS, timeZone: '' }, /timeZone must match format/],
    [{ ...SATURDAYS, durationMinutes: 0 }, /durationMinutes must be >= 1/],
    [{ ...SATURDAYS, durationMinutes: 10_081 }, /durationMinutes must be <= 10080/],
    [{ ...SATURDAYS, duration: '4h' }, /additional properties/],
    [{ schedule: '0 22 * * 6' }, /required property 'durationMinutes'/],
  ] as const) {
    it(`says at registration of ${JSON.stringify(window)}: ${problem?.source ?? 'fits'}`, () => {
      const message = registry.validateConfig('maintenance-window', { windows: [window] });
      if (problem === undefined) assert.equal(message, undefined);
      else assert.match(message ?? 'fits', problem);
    });
  }

  it('refuses to have no window at all: nothing could ever be done', () => {
    assert.match(registry.validateConfig('maintenance-window', { windows: [] }) ?? 'fits', /fewer than 1/);
    assert.match(registry.validateConfig('maintenance-window', {}) ?? 'fits', /windows/);
  });
});
