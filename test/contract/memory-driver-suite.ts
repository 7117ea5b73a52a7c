/** What every MemoryDriver guarantees, whatever stands behind it. */
import assert from 'node:assert/strict';
import type { DriverResult, DriverStep } from '../../src/contract/driver.ts';
import type { MemoryDriver } from '../../src/contract/memory-driver.ts';
import { parseBytes } from '../../src/contract/quantity.ts';
import type { MemoryBlockState, OperationType } from '../../src/kernel/memory-block.ts';
import { blockRange, driverCall, OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';

/** A driver with 128 MiB blocks, freshly started, whose `spareBlock` and the one after it are absent and can be added. */
export interface DriverUnderTest {
  readonly driver: MemoryDriver;
  readonly spareBlock: number;
  /** Online and movable. */
  readonly onlineBlock: number;
  /**
   * What a block reads while it is in an operation. `operation`: offline, or going-offline, until `finish`. `device`: what
   * the hardware says; one write(2) does all of commit there, so that the rest of the operation changes nothing any more.
   */
  readonly shows: 'operation' | 'device';
  close(): Promise<void>;
}

export function memoryDriverSuite(name: string, start: () => Promise<DriverUnderTest>): void {
  describe(`MemoryDriver contract: ${name}`, () => {
    let subject: DriverUnderTest;
    let bootId: string;
    let nextToken = 1;

    beforeEach(async () => {
      subject = await start();
      ({ bootId } = await subject.driver.inspect([]));
      nextToken = 1;
    });
    afterEach(async () => {
      await subject.close();
    });

    const run = (operation: OperationType, blockId: number): OperationRun => {
      const about = operation === 'online' || operation === 'offline' ? { blockId } : {};
      return new OperationRun(subject.driver, nextToken++, {
        operation,
        bootId,
        range: blockRange(blockId, 1),
        ...about,
      });
    };
    const stateOf = async (blockId: number): Promise<MemoryBlockState | undefined> =>
      (await subject.driver.inspect([blockId])).blocks[0]?.state;
    const can = async (operation: OperationType): Promise<boolean> =>
      (await subject.driver.inspect([])).capabilities[operation];
    const complete = async (operation: OperationType, blockId: number): Promise<void> => {
      const steps = run(operation, blockId);
      assert.deepEqual(okOf(await steps.step('prepare')), true);
      assert.deepEqual(okOf(await steps.step('commit', { blockId })), true);
      assert.deepEqual(okOf(await steps.step('finish')), true);
    };

    it('takes a block from absent to online, and back as far as it can', async () => {
      const block = subject.spareBlock;
      const seen = [await stateOf(block)];
      for (const operation of ['add', 'online', 'offline'] as const) {
        await complete(operation, block);
        seen.push(await stateOf(block));
      }
      if (await can('remove')) {
        await complete('remove', block);
        seen.push(await stateOf(block));
      }
      assert.deepEqual(seen, ['absent', 'offline', 'online', 'offline', ...((await can('remove')) ? ['absent'] : [])]);
    });

    it('answers EOPNOTSUPP to what it cannot do, and changes nothing', async () => {
      await complete('add', subject.spareBlock);
      const before = (await subject.driver.status()).blocks;
      if (!(await can('remove'))) {
        const removal = run('remove', subject.spareBlock);
        assert.equal(errnoOf(await removal.step('prepare')), 'EOPNOTSUPP');
        assert.equal(errnoOf(await removal.step('commit', { blockId: subject.spareBlock })), 'EOPNOTSUPP');
      }
      assert.deepEqual((await subject.driver.status()).blocks, before);
    });

    it('tells the same memory online to who inspects and to who asks for its status', async () => {
      const told = async () => {
        const { onlineBytes = -1 } = await subject.driver.inspect([]);
        assert.equal(onlineBytes, parseBytes((await subject.driver.status()).online ?? ''));
        return onlineBytes;
      };
      const before = await told();
      await complete('add', subject.spareBlock);
      assert.equal(await told(), before);
      await complete('online', subject.spareBlock);
      const { blockSizeBytes } = await subject.driver.inspect([]);
      assert.equal(await told(), before + blockSizeBytes);
    });

    it('shows what becomes of a block, step by step', async () => {
      await complete('add', subject.spareBlock);
      const seen: (MemoryBlockState | undefined)[] = [];
      for (const operation of ['online', 'offline'] as const) {
        const steps = run(operation, subject.spareBlock);
        for (const step of ['prepare', 'commit', 'finish'] as const) {
          await steps.step(step);
          seen.push(await stateOf(subject.spareBlock));
        }
      }
      const shown = {
        operation: ['offline', 'offline', 'online', 'going-offline', 'going-offline', 'offline'],
        device: ['offline', 'online', 'online', 'online', 'offline', 'offline'],
      };
      assert.deepEqual(seen, shown[subject.shows]);
    });

    it('brings the block back after an abort', async () => {
      await complete('add', subject.spareBlock);
      for (const [operation, blockId, before] of [
        ['online', subject.spareBlock, 'offline'],
        ['offline', subject.onlineBlock, 'online'],
      ] as const) {
        const steps = run(operation, blockId);
        await steps.step('prepare');
        assert.equal(committedOf(await steps.step('abort')), undefined, operation);
        await steps.step('finish');
        assert.equal(await stateOf(blockId), before);
      }
    });

    it('leaves what was committed when it is aborted, and says so: success is what the block reads', async () => {
      await complete('add', subject.spareBlock);
      for (const [operation, blockId] of [
        ['online', subject.spareBlock],
        ['offline', subject.onlineBlock],
      ] as const) {
        const steps = run(operation, blockId);
        for (const step of ['prepare', 'commit'] as const) assert.ok(okOf(await steps.step(step)), step);
        assert.equal(committedOf(await steps.step('abort')), true, operation);
        await steps.step('finish');
        assert.equal(await stateOf(blockId), operation);
      }
    });

    it('answers a repeated step as before and does nothing again', async () => {
      await complete('add', subject.spareBlock);
      const steps = run('online', subject.spareBlock);
      for (const step of ['prepare', 'commit', 'finish'] as const) {
        const first = await steps.step(step);
        const before = await subject.driver.status();
        assert.deepEqual(await steps.step(step), first, step);
        assert.deepEqual(await subject.driver.status(), before, step);
      }
    });

    it('answers the errnos of the kernel to impossible requests', async () => {
      const { spareBlock, onlineBlock } = subject;
      assert.equal(errnoOf(await run('online', spareBlock).step('prepare')), 'ENODEV');
      assert.equal(errnoOf(await run('offline', spareBlock).step('prepare')), 'ENODEV');
      assert.equal(errnoOf(await run('add', onlineBlock).step('prepare')), 'EEXIST');
      assert.equal(errnoOf(await run('online', onlineBlock).step('prepare')), 'EINVAL');
      if (!(await can('remove'))) return;
      assert.equal(errnoOf(await run('remove', spareBlock).step('prepare')), 'EINVAL');
      assert.equal(errnoOf(await run('remove', onlineBlock).step('prepare')), 'EBUSY');
    });

    it('refuses a step without a token, with an overtaken one, one of another run, and one of another boot', async () => {
      const call = driverCall({ operation: 'offline', step: 'prepare', blockId: subject.onlineBlock, bootId }, 5);
      assert.ok(okOf(await subject.driver.step(call, UNINTERRUPTED)));
      const stale = [
        { ...call, step: 'commit' as DriverStep, tokens: { mem_hotplug_lock: 9 } },
        { ...driverCall({ ...call, tokens: {} }, 4), tokens: tokensOf(call.tokens, 4), step: 'commit' as DriverStep },
        { ...call, owner: { workflowId: 'w', runId: 'another' }, step: 'commit' as DriverStep },
        { ...call, bootId: 'another', step: 'commit' as DriverStep },
      ];
      const before = await stateOf(subject.onlineBlock);
      assert.equal(before, { operation: 'going-offline', device: 'online' }[subject.shows]);
      for (const each of stale) assert.equal(errnoOf(await subject.driver.step(each, UNINTERRUPTED)), 'ESTALE');
      assert.equal(await stateOf(subject.onlineBlock), before);
    });

    it('settle refuses tokens for good, equal ones too, and all below a floor', async () => {
      const { driver, onlineBlock } = subject;
      const settled = run('offline', onlineBlock);
      nextToken = 10;
      const later = run('offline', onlineBlock);
      const below = run('offline', onlineBlock);
      await driver.settle({ tokens: tokensOf(locksOf(onlineBlock), 1) });
      assert.equal(errnoOf(await settled.step('prepare')), 'ESTALE');
      assert.ok(okOf(await later.step('prepare')));
      await driver.settle({ below: 12 });
      assert.equal(errnoOf(await below.step('prepare')), 'ESTALE');
      assert.equal(await stateOf(onlineBlock), 'online');
      nextToken = 12;
      assert.ok(okOf(await run('offline', onlineBlock).step('prepare')));
    });

    it('settle undoes what was prepared, finishes what was committed, and leaves created blocks where they are', async () => {
      const { driver, spareBlock, onlineBlock } = subject;
      const adding = run('add', spareBlock);
      await adding.step('prepare');
      await adding.step('commit', { blockId: spareBlock });
      await driver.settle({ tokens: { device_hotplug_lock: 1 } });
      assert.equal(await stateOf(spareBlock), 'offline');

      const committed = run('online', spareBlock);
      for (const step of ['prepare', 'commit'] as const) assert.ok(okOf(await committed.step(step)), step);
      await driver.settle({ tokens: tokensOf(locksOf(spareBlock), 2) });
      assert.equal(await stateOf(spareBlock), 'online');

      const prepared = run('offline', onlineBlock);
      assert.ok(okOf(await prepared.step('prepare')));
      await driver.settle({ tokens: tokensOf(locksOf(onlineBlock), 3) });
      assert.equal(await stateOf(onlineBlock), 'online');
      for (const step of ['prepare', 'commit', 'finish'] as const) {
        assert.equal(errnoOf(await prepared.step(step)), 'ESTALE', `the journal answers ${step}`);
      }
    });

    it('settle tells the boot and the highest token, and may be repeated', async () => {
      const { driver, onlineBlock } = subject;
      assert.deepEqual(await driver.settle({}), { bootId, highestToken: 0 });
      nextToken = 7;
      await run('offline', onlineBlock).step('prepare');
      const settlement = { tokens: tokensOf(locksOf(onlineBlock), 7) };
      const first = await driver.settle(settlement);
      assert.deepEqual(first, { bootId, highestToken: 7 });
      const status = await driver.status();
      assert.deepEqual(await driver.settle(settlement), first);
      assert.deepEqual(await driver.status(), status);
    });

    it('settle does not touch a run that holds the locks after the settled one', async () => {
      const { driver, onlineBlock } = subject;
      nextToken = 8;
      const alive = run('offline', onlineBlock);
      await alive.step('prepare');
      await driver.settle({ tokens: tokensOf(locksOf(onlineBlock), 7) });
      for (const step of ['commit', 'finish'] as const) assert.ok(okOf(await alive.step(step)), step);
      assert.equal(await stateOf(onlineBlock), 'offline');
    });

    it('tells its listeners about every change, and no more after they have left', async () => {
      let calls = 0;
      const leave = subject.driver.onChange(() => calls++);
      await complete('add', subject.spareBlock);
      assert.ok(calls >= 1);
      leave();
      const before = calls;
      await complete('online', subject.spareBlock);
      assert.equal(calls, before);
    });

    it('reports every existing block in status exactly once', async () => {
      await complete('add', subject.spareBlock);
      const { blocks = [], blockSize, bootId: reported } = await subject.driver.status();
      const listed = blocks.flatMap(({ range }) => range.split(','));
      assert.equal(new Set(listed).size, listed.length);
      assert.equal(blockSize, '128Mi');
      assert.equal(reported, bootId);
      assert.deepEqual((await subject.driver.observe(subject.spareBlock)).state, 'offline');
    });
  });
}

/** Names of the locks that an online or offline of `blockId` holds. */
function locksOf(blockId: number): Readonly<Record<string, number>> {
  return driverCall({ operation: 'offline', step: 'prepare', blockId, bootId: '' }).tokens;
}

function okOf(result: DriverResult): boolean {
  return result.ok;
}

function committedOf(result: DriverResult): boolean | undefined {
  assert.ok(result.ok, JSON.stringify(result));
  return result.committed;
}

function errnoOf(result: DriverResult): string {
  return result.ok ? 'ok' : result.errno;
}

function tokensOf(tokens: Readonly<Record<string, number>>, token: number): Record<string, number> {
  return Object.fromEntries(Object.keys(tokens).map((lock) => [lock, token]));
}
