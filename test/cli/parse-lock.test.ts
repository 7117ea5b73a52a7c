import assert from 'node:assert/strict';
import { parseLock } from '../../src/cli/parse-lock.ts';

describe('parseLock', () => {
  for (const [word, name, mode] of [
    ['device_hotplug_lock', 'device_hotplug_lock', 'write'],
    ['device_lock/memory32', 'device_lock/memory32', 'write'],
    ['device_lock/cpu0', 'device_lock/cpu0', 'write'],
    ['mem_hotplug_lock', 'mem_hotplug_lock', 'write'],
    ['mem_hotplug_lock:r', 'mem_hotplug_lock', 'read'],
  ] as const) {
    it(`reads ${word}`, () => {
      assert.deepEqual(parseLock(word), { name, mode });
    });
  }

  for (const word of [
    '',
    ':r',
    'device_lock',
    'device_lock/memory',
    'device_lock/memory032',
    'device_lock/disk1',
    'M',
  ]) {
    it(`refuses "${word}" and says what there is`, () => {
      assert.throws(() => parseLock(word), /is no lock; there are device_hotplug_lock, device_lock\/memoryN/);
    });
  }

  it('knows a read mode of mem_hotplug_lock only', () => {
    for (const word of ['device_hotplug_lock:r', 'device_lock/memory1:r']) {
      assert.throws(() => parseLock(word), /is a mutex and has no read mode; only mem_hotplug_lock/);
    }
  });
});
