/** The driver of a real node, with a kernel that does as the test says. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { DriverResult } from '../../src/contract/driver.ts';
import { DriverClosedError } from '../../src/drivers/driver-closed-error.ts';
import { SysfsDriver, type SysfsDriverOptions } from '../../src/drivers/sysfs/sysfs-driver.ts';
import type { SysfsState } from '../../src/drivers/sysfs/sysfs-state.ts';
import { tokenOf } from '../../src/kernel/token.ts';
import { blockRange, driverCall, OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';
import { eventually } from '../support/eventually.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';
import { createSysfsTree } from '../support/sysfs-tree.ts';
import { SMALL_TREE, startSysfsNode, type SysfsDriverNode } from '../support/sysfs-driver-node.ts';

const STATE = 'memory40/state';

describe('sysfs driver', () => {
  let node: SysfsDriverNode;
  afterEach(async () => {
    await node.remove();
  });

  const run = async (operation: 'online' | 'offline', blockId: number, token = 1): Promise<OperationRun> => {
    const { bootId } = await node.driver.inspect([]);
    return new OperationRun(node.driver, token, { operation, blockId, bootId });
  };
  const preparedOffline = async (token = 1): Promise<OperationRun> => {
    const offline = await run('offline', 40, token);
    assert.ok((await offline.step('prepare')).ok);
    return offline;
  };
  const inspected = async (blockId: number) => (await node.driver.inspect([blockId])).blocks[0];
  const stateOf = async (blockId: number) => (await inspected(blockId))?.state;

  describe('errnos', () => {
    for (const errno of ['EBUSY', 'EAGAIN', 'EINTR', 'EINVAL', 'ENOMEM', 'EPERM', 'EHWPOISON']) {
      it(`answers ${errno} where write(2) does, and the block stays as it is`, async () => {
        node = startSysfsNode();
        const offline = await preparedOffline();
        node.kernel.errors.set(STATE, errno);
        assert.equal(errnoOf(await offline.step('commit')), errno);
        assert.equal(await stateOf(40), 'online');
        const online = await run('online', 41, 2);
        assert.ok((await online.step('prepare')).ok);
        node.kernel.errors.set('memory41/state', errno);
        assert.equal(errnoOf(await online.step('commit')), errno);
        assert.equal(await stateOf(41), 'offline');
      });
    }

    it('answers ENODEV where the device has gone, and EIO where the errno has no name', async () => {
      node = startSysfsNode();
      const offline = await preparedOffline();
      node.kernel.refusals.set(STATE, 'ENOENT');
      assert.equal(errnoOf(await offline.step('commit')), 'ENODEV');
      node.kernel.refusals.clear();
      const again = await preparedOffline(2);
      node.kernel.errors.set(STATE, 'E_NOBODY_KNOWS');
      assert.equal(errnoOf(await again.step('commit')), 'EIO');
    });

    it('succeeds where the block is as wanted, whatever write(2) said', async () => {
      node = startSysfsNode();
      const offline = await preparedOffline();
      node.kernel.slow.add(STATE);
      const committing = offline.step('commit');
      await eventually('the write', () => node.kernel.begun.length === 1);
      node.kernel.errors.set(STATE, 'EINVAL');
      node.tree.write(40, 'offline');
      node.kernel.release();
      assert.deepEqual(await committing, { ok: true });
    });

    it('refuses in prepare what can be seen from outside, so that no notifier is asked', async () => {
      node = startSysfsNode(
        createSysfsTree({
          blocks: [
            { range: '0', validZones: 'none' },
            { range: '1', state: 'offline', validZones: 'Normal' },
          ],
        }),
      );
      assert.equal(errnoOf(await (await run('offline', 0)).step('prepare')), 'EINVAL');
      const movable = await (await run('online', 1, 2)).step('prepare', { onlineType: 'online_movable' });
      assert.equal(errnoOf(movable), 'EINVAL');
      assert.match(movable.ok ? '' : movable.message, /valid_zones are Normal/);
      const cpu = driverCall({
        operation: 'offline-cpu',
        step: 'prepare',
        cpu: 1,
        bootId: (await node.driver.inspect([])).bootId,
      });
      assert.equal(
        errnoOf(
          await node.driver.step({ ...cpu, tokens: { device_hotplug_lock: 3, 'device_lock/cpu1': 3 } }, UNINTERRUPTED),
        ),
        'EOPNOTSUPP',
      );
      assert.deepEqual(node.kernel.begun, []);
    });

    it('demands device_hotplug_lock even of who leaves it out', async () => {
      node = startSysfsNode();
      const offline = await run('offline', 40);
      const tokens = { mem_hotplug_lock: 1, 'device_lock/memory40': 1 };
      const result = await offline.step('prepare', { tokens, withoutDeviceHotplugLock: true });
      assert.deepEqual([errnoOf(result), result.ok ? '' : result.staleLock], ['ESTALE', 'device_hotplug_lock']);
    });
  });

  describe('a long offline', () => {
    const slowOffline = async (more: Partial<SysfsDriverOptions> = {}) => {
      node = startSysfsNode(createSysfsTree(SMALL_TREE), more);
      node.kernel.slow.add(STATE);
      const offline = await preparedOffline();
      return offline;
    };
    const untilBegun = (times = 1) => eventually('the write', () => node.kernel.begun.length === times);

    it('reads going-offline in the zone that it is leaving, and tells how long it has taken', async () => {
      const offline = await slowOffline();
      const heartbeats: string[] = [];
      const committing = offline.step('commit', {}, { ...UNINTERRUPTED, heartbeat: (text) => heartbeats.push(text) });
      await untilBegun();
      assert.deepEqual(await inspected(40), { blockId: 40, state: 'going-offline', zone: 'Movable', numaNode: 0 });
      assert.match(heartbeats[0] ?? '', /offline commit of memory40: 0 s/);
      node.kernel.release();
      assert.deepEqual(await committing, { ok: true });
      assert.equal(await stateOf(40), 'offline');
    });

    it('answers EINTR when it is cancelled, and the block is online', async () => {
      const offline = await slowOffline();
      const cancellation = new AbortController();
      const committing = offline.step('commit', {}, { ...UNINTERRUPTED, signal: cancellation.signal });
      await untilBegun();
      cancellation.abort();
      assert.equal(errnoOf(await committing), 'EINTR');
      assert.equal(await stateOf(40), 'online');
    });

    it('does not begin when it is cancelled already', async () => {
      const offline = await slowOffline();
      assert.equal(
        errnoOf(await offline.step('commit', {}, { ...UNINTERRUPTED, signal: AbortSignal.abort() })),
        'EINTR',
      );
      assert.deepEqual(node.kernel.begun, []);
    });

    it('takes a limit longer than any timer for no reason to end at once', async () => {
      const offline = await slowOffline();
      const committing = offline.step('commit', { timeoutMs: 2 ** 40 });
      await untilBegun();
      // A timer that overflows comes after 1 ms, so before this one.
      await new Promise((resolve) => setTimeout(resolve, 5));
      node.kernel.release();
      assert.deepEqual(await committing, { ok: true });
    });

    it('counts its time by the clock that runs on from the boot, which nobody sets', async () => {
      const offline = await slowOffline();
      const committing = offline.step('commit', { timeoutMs: 60_000 });
      await untilBegun();
      const stored = JSON.parse(readFileSync(join(node.directory, 'sysfs.json'), 'utf8')) as SysfsState;
      const ageMs = uptime() * 1000 - (stored.transition?.startedAtUptimeMs ?? Infinity);
      assert.ok(ageMs >= 0 && ageMs < 60_000, String(ageMs));
      node.kernel.release();
      await committing;
    });

    it('answers EINTR when its time is up, counted from the first attempt', async () => {
      let uptimeMs = 1_000_000;
      const offline = await slowOffline({ uptimeMs: () => uptimeMs });
      const first = offline.step('commit', { timeoutMs: 60_000 });
      const given = assert.rejects(first, DriverClosedError);
      await untilBegun();
      await node.restart();
      await given;
      node.tree.write(40, 'online');
      uptimeMs += 60_000;
      const again = await run('offline', 40);
      assert.equal(errnoOf(await again.step('commit', { timeoutMs: 60_000 })), 'EINTR');
      assert.equal(node.kernel.begun.length, 1);
      const other = await preparedOffline(2);
      assert.equal(errnoOf(await other.step('commit', { timeoutMs: 1 })), 'EINTR');
      assert.equal(await stateOf(40), 'online');
    });

    it('an online is not interrupted by a cancellation', async () => {
      node = startSysfsNode();
      const online = await run('online', 41);
      assert.ok((await online.step('prepare')).ok);
      const result = await online.step('commit', {}, { ...UNINTERRUPTED, signal: AbortSignal.abort() });
      assert.deepEqual(result, { ok: true, zone: 'Normal' });
    });

    it('lets a second attempt of the same step join the first', async () => {
      const offline = await slowOffline();
      const attempts = [offline.step('commit'), offline.step('commit')];
      await untilBegun();
      node.kernel.release();
      assert.deepEqual(await Promise.all(attempts), [{ ok: true }, { ok: true }]);
      assert.equal(node.kernel.begun.length, 1);
    });

    it('is joined by an attempt with the tokens of a new lock service', async () => {
      const offline = await slowOffline();
      const first = offline.step('commit');
      await untilBegun();
      const { owner } = offline.call('commit');
      const { bootId } = await node.driver.inspect([]);
      const survivor = new OperationRun(node.driver, 9, { operation: 'offline', blockId: 40, bootId, owner });
      const second = survivor.step('commit');
      node.kernel.errors.set(STATE, 'EBUSY');
      node.kernel.release();
      assert.deepEqual([errnoOf(await first), errnoOf(await second)], ['ESTALE', 'EBUSY']);
      assert.equal(node.kernel.begun.length, 1);
    });

    it('is over before an abort of it answers', async () => {
      const offline = await slowOffline();
      const committing = offline.step('commit');
      await untilBegun();
      assert.deepEqual(await offline.step('abort'), { ok: true, zone: 'Movable' });
      assert.equal(await stateOf(40), 'online');
      assert.equal(errnoOf(await committing), 'EINTR');
    });

    it('settle answers only when the system call has returned, however long that takes', async () => {
      const offline = await slowOffline();
      node.kernel.isUninterruptible = true;
      const order: string[] = [];
      const committing = offline.step('commit').then((result) => order.push(errnoOf(result)));
      await untilBegun();
      const settling = node.driver.settle({ tokens: { mem_hotplug_lock: 1 } }).then(() => order.push('settled'));
      assert.equal(errnoOf(await offline.step('prepare')), 'ESTALE');
      await new Promise(setImmediate);
      assert.deepEqual(order, []);
      node.kernel.release();
      await Promise.all([committing, settling]);
      assert.deepEqual(order, ['ESTALE', 'settled']);
      assert.equal(await stateOf(40), 'online');
    });

    it('is ended by a run that has its locks now, before that does anything', async () => {
      const offline = await slowOffline();
      const committing = offline.step('commit');
      await untilBegun();
      const next = await run('online', 41, 2);
      assert.ok((await next.step('prepare')).ok);
      assert.equal(errnoOf(await committing), 'ESTALE');
      assert.equal(await stateOf(40), 'online');
    });

    it('goes on when the driver closes; the next one answers what came of it', async () => {
      const offline = await slowOffline();
      const given = assert.rejects(offline.step('commit'), DriverClosedError);
      await untilBegun();
      await node.restart();
      await given;
      node.kernel.release();
      const again = await run('offline', 40);
      const answer = await node.driver.resume(again.call('commit'), UNINTERRUPTED);
      assert.equal(answer, undefined, 'it has not been looked at yet');
      assert.deepEqual(await again.step('commit'), { ok: true, noop: true });
      assert.equal(node.kernel.begun.length, 1);
    });

    it('is begun again where its process died with its agent, and nothing came of it', async () => {
      const offline = await slowOffline();
      const given = assert.rejects(offline.step('commit'), DriverClosedError);
      await untilBegun();
      await node.restart();
      await given;
      node.tree.write(40, 'online');
      node.kernel.slow.clear();
      assert.deepEqual(await (await run('offline', 40)).step('commit'), { ok: true });
      assert.equal(node.kernel.begun.length, 2);
    });
  });

  describe('what it sees', () => {
    it('notices within its interval what is done by hand, and what is plugged and unplugged', async () => {
      node = startSysfsNode(createSysfsTree(SMALL_TREE), { pollIntervalMs: 10 });
      let told = 0;
      node.driver.onChange(() => told++);
      const changes: [string, () => void][] = [
        ['offline', () => node.tree.write(40, 'offline')],
        ['another zone', () => node.tree.writeFile('memory41/valid_zones', 'Movable')],
        ['plugged', () => node.tree.plug({ range: '50', state: 'offline' })],
        ['unplugged', () => node.tree.unplug(41)],
      ];
      for (const [what, change] of changes) {
        const before = told;
        change();
        await eventually(what, () => told > before);
      }
      const { blocks = [] } = await node.driver.status();
      assert.deepEqual(blocks.slice(-2), [
        { range: '40', state: 'offline' },
        { range: '50', state: 'offline' },
      ]);
    });

    it('takes the word that a copied tree keeps for what a kernel would show', async () => {
      node = startSysfsNode(
        createSysfsTree({
          blocks: [
            { range: '1', state: 'online_movable', validZones: 'Normal Movable' },
            { range: '2', state: 'online_kernel', validZones: 'Movable Normal' },
            { range: '3', state: 'online', validZones: 'Normal Movable' },
          ],
        }),
      );
      const { blocks } = await node.driver.inspect([1, 2, 3]);
      assert.deepEqual(
        blocks.map(({ state, zone }) => [state, zone]),
        [
          ['online', 'Movable'],
          ['online', 'Normal'],
          ['online', 'Normal'],
        ],
      );
    });

    it('does without NUMA links and valid_zones, as a copied tree may', async () => {
      const tree = createSysfsTree(SMALL_TREE);
      rmSync(join(tree.root, 'memory41/node0'));
      rmSync(join(tree.root, 'memory41/valid_zones'));
      node = startSysfsNode(tree);
      assert.deepEqual(await inspected(41), { blockId: 41, state: 'offline' });
      const online = await run('online', 41);
      assert.deepEqual(await online.step('prepare'), { ok: true });
    });

    it('tells who asks of our own steps at once, without another look at all blocks', async () => {
      node = startSysfsNode(createSysfsTree(SMALL_TREE), { pollIntervalMs: 3_600_000 });
      const onlineOf = async () => (await node.driver.inspect([])).onlineBytes ?? 0;
      const before = await onlineOf();
      const online = await run('online', 41);
      assert.ok((await online.step('prepare')).ok);
      assert.ok((await online.step('commit')).ok);
      assert.equal((await onlineOf()) - before, 2 ** 27);
      const { bootId } = await node.driver.inspect([]);
      const add = new OperationRun(node.driver, 2, { operation: 'add', range: blockRange(32, 1), bootId });
      assert.ok((await add.step('prepare')).ok);
      assert.ok((await add.step('commit', { blockId: 32 })).ok);
      const { blocks = [] } = await node.driver.status();
      assert.ok(blocks.some(({ range, state }) => range === '32' && state === 'offline'));
    });

    it('finds out again what it can do: in time, and when a file cannot be opened', async () => {
      const tree = createSysfsTree({ blocks: [{ range: '0' }, { range: '40', validZones: 'Movable' }] });
      node = startSysfsNode(tree, { capabilityIntervalMs: 3_600_000 });
      const can = async () => (await node.driver.status()).capabilities?.offline;
      let told = 0;
      node.driver.onChange(() => told++);
      // Read-only even for root.
      const makeReadOnly = (): void => {
        rmSync(join(tree.root, 'memory0/state'));
        symlinkSync('/proc/sys/kernel/random/boot_id', join(tree.root, 'memory0/state'));
      };
      const offline = await preparedOffline();
      makeReadOnly();
      assert.equal(await can(), true, 'nobody has looked');
      node.kernel.errors.set(STATE, 'EACCES');
      assert.equal(errnoOf(await offline.step('commit')), 'EACCES');
      assert.equal(await can(), true, 'the kernel refused, not the file');
      node.kernel.refusals.set(STATE, 'EACCES');
      assert.match(messageOf(await (await preparedOffline(2)).step('commit')), /may not open it.*docs\/sysfs.md/);
      assert.equal(await can(), false);
      await node.restart({ capabilityIntervalMs: 5 });
      node.driver.onChange(() => told++);
      const before = told;
      rmSync(join(tree.root, 'memory0/state'));
      writeFileSync(join(tree.root, 'memory0/state'), 'online\n');
      await eventually('it can again', can);
      assert.ok(told > before);
    });

    it('finds out what it can do once the first block is there', async () => {
      node = startSysfsNode(createSysfsTree({ blocks: [], autoOnlineBlocks: null }), { pollIntervalMs: 10 });
      assert.equal((await node.driver.status()).capabilities?.online, false);
      node.tree.plug({ range: '40', state: 'offline' });
      await eventually('it can', async () => (await node.driver.status()).capabilities?.online);
    });

    it('shows all other blocks where one cannot be read', async () => {
      const tree = createSysfsTree(SMALL_TREE);
      mkdirSync(join(tree.root, 'memory50/state'), { recursive: true });
      node = startSysfsNode(tree);
      assert.equal((await node.driver.status()).blocks?.at(-1)?.range, '41');
      await assert.rejects(node.driver.inspect([50]), /EISDIR/);
      await assert.rejects(node.driver.observe(50), /EISDIR/);
    });

    it('begins nothing that goes on if it cannot be opened', async () => {
      const tree = createSysfsTree({ blocks: [{ range: '0' }] });
      node = startSysfsNode(tree);
      const { directory, kernel } = node;
      let resumed = 0;
      const writer = Object.assign(Object.create(kernel) as typeof kernel, {
        isBusy: () => true,
        resume: () => {
          resumed++;
          return kernel.resume();
        },
      });
      // Can be opened for reading only, and that has nothing to do with rights.
      mkdirSync(join(tree.root, 'probe'));
      const options = { directory, sysfsRoot: tree.root, bootIdFile: tree.bootIdFile, logger: SILENT_LOGGER, writer };
      assert.throws(() => new SysfsDriver(options), /probe cannot be opened: EISDIR/);
      await new Promise(setImmediate);
      assert.equal(resumed, 0);
    });

    it('tells what it cannot do: no probe file, a state that it may not write', async () => {
      const tree = createSysfsTree({ blocks: [{ range: '0' }] });
      // Read-only even for root.
      rmSync(join(tree.root, 'memory0/state'));
      symlinkSync('/proc/sys/kernel/random/boot_id', join(tree.root, 'memory0/state'));
      node = startSysfsNode(tree);
      const { capabilities } = await node.driver.status();
      assert.deepEqual(capabilities, { add: false, remove: false, online: false, offline: false });
      assert.equal(errnoOf(await (await run('offline', 0)).step('prepare')), 'EOPNOTSUPP');
      const { bootId } = await node.driver.inspect([]);
      const add = new OperationRun(node.driver, 2, { operation: 'add', range: blockRange(32, 1), bootId });
      assert.equal(errnoOf(await add.step('prepare')), 'EOPNOTSUPP');
    });

    it('reads and sets auto_online_blocks, and says where it cannot', async () => {
      node = startSysfsNode();
      const file = node.driver.autoOnlineBlocks;
      assert.equal(await file.read(), 'offline');
      await file.write('online_movable');
      assert.equal(node.tree.readFile('auto_online_blocks'), 'online_movable');
      await file.write('offline');
      assert.equal(node.tree.readFile('auto_online_blocks'), 'offline');
      node.tree.writeFile('auto_online_blocks', 'a word from the future');
      assert.equal(await file.read(), undefined);
      rmSync(join(node.tree.root, 'auto_online_blocks'));
      assert.equal(await file.read(), undefined);
      await assert.rejects(file.write('offline'), /ENOENT/);
    });

    it('leaves blocks that it added where they are when the add is undone, and says so', async () => {
      node = startSysfsNode();
      const { bootId } = await node.driver.inspect([]);
      const add = new OperationRun(node.driver, 1, { operation: 'add', range: blockRange(32, 2), bootId });
      assert.ok((await add.step('prepare')).ok);
      assert.ok((await add.step('commit', { blockId: 32 })).ok);
      node.kernel.errors.set('probe', 'E2BIG');
      assert.equal(errnoOf(await add.step('commit', { blockId: 33 })), 'E2BIG');
      const undone = await add.step('abort');
      assert.match(undone.ok ? '' : undone.message, /memory32 stay/);
      assert.deepEqual([await stateOf(32), await stateOf(33)], ['offline', 'absent']);
      const unaligned = new OperationRun(node.driver, 2, {
        operation: 'add',
        range: { start: 1, size: 2 ** 27 },
        bootId,
      });
      assert.equal(errnoOf(await unaligned.step('prepare')), 'EEXIST');
      const odd = { start: 100 * 2 ** 27 + 1, size: 2 ** 27 };
      const other = new OperationRun(node.driver, 3, { operation: 'add', range: odd, bootId });
      assert.equal(errnoOf(await other.step('prepare')), 'EINVAL');
    });

    it('names what is missing where there is no memory directory', () => {
      node = startSysfsNode();
      const { directory } = node;
      const options = { directory, sysfsRoot: directory, logger: SILENT_LOGGER };
      assert.throws(() => new SysfsDriver(options), /block_size_bytes does not exist.*--sysfs-root/);
    });
  });

  describe('a reboot', () => {
    it('voids journal and transition, and keeps tokens where their file survives', async () => {
      node = startSysfsNode();
      const offline = await preparedOffline(5);
      writeFileSync(node.tree.bootIdFile, 'another-boot\n');
      await node.restart();
      assert.equal((await node.driver.inspect([])).bootId, 'another-boot');
      const late = new OperationRun(node.driver, 5, { operation: 'offline', blockId: 40, bootId: 'another-boot' });
      assert.equal(errnoOf(await late.step('commit')), 'EINVAL', 'not prepared in this boot');
      assert.equal(errnoOf(await node.driver.step(offline.call('commit'), UNINTERRUPTED)), 'ESTALE');
      const older = new OperationRun(node.driver, 4, { operation: 'offline', blockId: 40, bootId: 'another-boot' });
      assert.equal(errnoOf(await older.step('prepare')), 'ESTALE');
    });

    it('with its files lost leaves the epoch that the cluster remembers', async () => {
      node = startSysfsNode(createSysfsTree(SMALL_TREE), { fencingEpoch: 3 });
      assert.equal((await node.driver.status()).fencingEpoch, 3);
      assert.equal(errnoOf(await (await run('offline', 40, tokenOf(2, 7))).step('prepare')), 'ESTALE');
      assert.ok((await (await run('offline', 40, tokenOf(3, 0))).step('prepare')).ok);
    });
  });
});

function messageOf(result: DriverResult): string {
  return result.ok ? '' : result.message;
}

function errnoOf(result: DriverResult): string {
  return result.ok ? 'ok' : result.errno;
}
