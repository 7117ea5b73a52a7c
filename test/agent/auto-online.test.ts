import assert from 'node:assert/strict';
import { AutoOnline } from '../../src/agent/auto-online.ts';
import type { AutoOnlineBlocks } from '../../src/contract/memory-driver.ts';
import type { RequestedState } from '../../src/kernel/memory-block.ts';
import { eventually } from '../support/eventually.ts';

/** `auto_online_blocks` in memory. */
class File implements AutoOnlineBlocks {
  value: RequestedState | undefined;
  failure: string | undefined;
  writes = 0;
  reads = 0;

  constructor(value: RequestedState | undefined) {
    this.value = value;
  }
  read(): Promise<RequestedState | undefined> {
    this.reads++;
    return Promise.resolve(this.value);
  }
  write(value: RequestedState): Promise<void> {
    this.writes++;
    if (this.failure !== undefined) return Promise.reject(new Error(this.failure));
    this.value = value;
    return Promise.resolve();
  }
}

describe('auto_online_blocks', () => {
  const logged: string[] = [];
  let nowMs = 0;
  const now = (): number => nowMs;
  const log = (message: string): void => void logged.push(message);
  const logger = { info: log, warn: log };
  beforeEach(() => logged.splice(0));

  const enforce = async (autoOnline: AutoOnline): Promise<string> => {
    const { status, reason } = await autoOnline.enforce();
    return `${status} ${reason}`;
  };

  for (const [value, verdict] of [
    ['offline', 'False KernelLeavesOffline'],
    ['online', 'True KernelOnlines'],
    ['online_kernel', 'True KernelOnlines'],
    ['online_movable', 'True KernelOnlines'],
    [undefined, 'Unknown AutoOnlineUnknown'],
  ] as const) {
    it(`that reads ${value ?? 'nothing known'} is ${verdict}, and is left alone`, async () => {
      const file = new File(value);
      assert.equal(await enforce(new AutoOnline(file, logger)), verdict);
      assert.deepEqual([file.value, file.writes, logged], [value, 0, []]);
    });
  }

  it('is set when asked, again when somebody has changed it by hand, and not otherwise', async () => {
    const file = new File('online_movable');
    const autoOnline = new AutoOnline(file, logger, now);
    autoOnline.want('offline');
    assert.equal(await enforce(autoOnline), 'False KernelLeavesOffline');
    await enforce(autoOnline);
    assert.equal(file.writes, 1);
    file.value = 'online';
    nowMs += 5_000;
    assert.equal(await enforce(autoOnline), 'False KernelLeavesOffline');
    assert.deepEqual([file.value, file.writes], ['offline', 2]);
    assert.deepEqual(logged, ['auto_online_blocks set', 'auto_online_blocks set']);
    autoOnline.want(undefined);
    file.value = 'online';
    assert.equal(await enforce(autoOnline), 'True KernelOnlines');
    assert.equal(file.writes, 2);
  });

  it('that somebody else keeps changing is set every five seconds, told once, and in the condition', async () => {
    const file = new File('online');
    const autoOnline = new AutoOnline(file, logger, now);
    autoOnline.want('offline');
    const told = new Set<string>();
    for (let second = 0; second < 120; second++) {
      file.value = 'online';
      nowMs += 1_000;
      const { status, message } = await autoOnline.enforce();
      if (second >= 20) told.add(`${status} ${message}`);
    }
    assert.ok(file.writes >= 20 && file.writes <= 25, String(file.writes));
    assert.equal(logged.length, 3, logged.join('; '));
    assert.match(logged[2] ?? '', /keeps changing/);
    assert.match([...told].join('; '), /^True Somebody else keeps setting auto_online_blocks to online;[^;]*$/);
    nowMs += 60_000;
    assert.equal(await enforce(autoOnline), 'False KernelLeavesOffline');
  });

  it('is looked at again when it is time to set it again, though nothing has changed since', async () => {
    const file = new File('offline');
    const autoOnline = new AutoOnline(file, logger, now);
    autoOnline.want('offline');
    file.value = 'online';
    await autoOnline.enforce();
    file.value = 'online';
    await autoOnline.enforce();
    let due = 0;
    const stop = autoOnline.watch(() => due++, 1);
    const looks = file.reads;
    await eventually('it has looked', () => file.reads > looks + 2);
    assert.equal(due, 0);
    nowMs += 5_000;
    await eventually('it is due', () => due > 0);
    await autoOnline.enforce();
    assert.equal(file.value, 'offline');
    stop();
  });

  it('that cannot be set says why, once in the log', async () => {
    const file = new File('online');
    file.failure = 'EACCES: permission denied';
    const autoOnline = new AutoOnline(file, logger);
    autoOnline.want('offline');
    const { status, message } = await autoOnline.enforce();
    await autoOnline.enforce();
    assert.equal(status, 'True');
    assert.match(message, /could not be set to offline: EACCES: permission denied/);
    assert.deepEqual(logged, ['auto_online_blocks not set']);
  });

  it('is looked at again and again: a change by somebody else is told, our own is not', async () => {
    const file = new File('online');
    const autoOnline = new AutoOnline(file, logger);
    autoOnline.want('offline');
    await autoOnline.enforce();
    let told = 0;
    const stop = autoOnline.watch(() => told++, 1);
    const looks = file.reads;
    await eventually('it has looked', () => file.reads > looks + 2);
    assert.equal(told, 0);
    file.value = 'online';
    await eventually('it is told', () => told > 0);
    stop();
  });

  it('that is not there is no reason to fail', async () => {
    const autoOnline = new AutoOnline(
      { read: () => Promise.reject(new Error('ENOENT')), write: () => Promise.reject(new Error('ENOENT')) },
      logger,
    );
    autoOnline.want('offline');
    assert.equal(await enforce(autoOnline), 'Unknown AutoOnlineUnknown');
  });
});
