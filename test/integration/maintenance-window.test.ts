/** A block waits for its window, and says for which; a window that cannot be shows at the notifier. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'windowed';
const NAME = `${NODE}-memory7`;
const NOTIFIER = 'windows';

describe('maintenance-window', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', `mnot/${NOTIFIER}`, '--ignore-not-found']);
    await stage.deleteNode(NODE);
  });

  async function applyWindow(window: object): Promise<void> {
    await stage.applyNotifier(NOTIFIER, {
      blockSelector: { matchLabels: { test: NODE } },
      plugin: { name: 'maintenance-window', config: { windows: [window] } },
    });
  }

  /** An hour of the day after the next: closed now, and for a day at least. */
  function theDayAfterTomorrow(): object {
    const date = new Date(Date.now() + 2 * 86_400_000);
    const schedule = `0 ${String(date.getUTCHours())} ${String(date.getUTCDate())} ${String(date.getUTCMonth() + 1)} *`;
    return { schedule, durationMinutes: 60 };
  }

  it('defers what is asked for outside, until the window opens', async () => {
    await applyWindow(theDayAfterTomorrow());
    await stage.applyBlock({ nodeName: NODE, blockId: 7, state: 'offline', labels: { test: NODE } });
    const { lastOperation, retry, state } = await stage.untilReason(NAME, 'Deferred');
    assert.deepEqual([lastOperation?.errno, state], ['EAGAIN', 'online']);
    assert.match(lastOperation?.message ?? '', /vetoed by windows .*the next one opens 20.* GMT\+0 \(UTC\)/);
    const waitsMs = Date.parse(retry?.nextTime ?? '') - Date.now();
    assert.ok(waitsMs > 23 * 3_600_000, 'the most that a plugin may ask for is a day');
  });

  it('lets it go as soon as a window is open', async () => {
    await applyWindow({ schedule: '* * * * *', durationMinutes: 5 });
    await stage.waitReady(NAME);
    assert.equal((await stage.blockStatus(NAME)).state, 'offline');
  });

  it('shows a time zone that does not exist in the Ready condition', async () => {
    await applyWindow({ schedule: '0 22 * * 6', timeZone: 'Europe/Atlantis', durationMinutes: 60 });
    const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
    await eventually('the condition names the field', async () => {
      const message = await stage.kubectl.succeed(['get', `mnot/${NOTIFIER}`, '-o', path]);
      return message.includes('timeZone must match format "iana-time-zone"');
    });
  });
});
