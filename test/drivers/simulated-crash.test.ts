/** A crash between any two writes of the simulated driver loses nothing and does nothing twice. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DriverStep } from '../../src/contract/driver.ts';
import type { OperationType } from '../../src/kernel/memory-block.ts';
import { SimulatedDriver } from '../../src/drivers/simulated/simulated-driver.ts';
import { openStateStore, type StateStore } from '../../src/drivers/simulated/state-store.ts';
import type { Effect, SimulatedState } from '../../src/drivers/simulated/state.ts';
import { blockRange, OperationRun } from '../support/driver-run.ts';
import { SILENT_LOGGER, SMALL_NODE, startSimulatedNode } from '../support/simulated-driver.ts';

class Crash extends Error {}

/** What survives a crash. `crashAt` counts the moments before and after each write; the process dies at one of them. */
class Disk {
  state: string | undefined;
  effects: Effect[] = [];
  crashAt = Number.POSITIVE_INFINITY;
  moment = 0;

  open(): StateStore {
    return {
      load: () => (this.state === undefined ? undefined : (JSON.parse(this.state) as SimulatedState)),
      save: (state) => {
        this.#write(() => (this.state = JSON.stringify(state)));
      },
      appendEffects: (effects) => {
        const last = this.effects.at(-1)?.sequence ?? 0;
        this.#write(() => this.effects.push(...effects.filter(({ sequence }) => sequence > last)));
      },
    };
  }

  #write(write: () => void): void {
    if (this.moment++ === this.crashAt) throw new Crash();
    write();
    if (this.moment++ === this.crashAt) throw new Crash();
  }
}

const LIFE = (['add', 'online', 'offline', 'remove'] as const).flatMap((operation, index) =>
  (['prepare', 'commit', 'finish'] as const).map((step) => ({ operation, step, token: index + 1 })),
);

/** Takes block 32 through its whole life; a step whose reply was lost in a crash is repeated by the next process. */
async function live(disk: Disk, directory: string): Promise<void> {
  const start = (): SimulatedDriver =>
    survive(
      () =>
        new SimulatedDriver({
          directory,
          spec: SMALL_NODE,
          logger: SILENT_LOGGER,
          store: disk.open(),
          newBootId: () => 'boot-1',
          now: () => 0,
        }),
    );
  let driver = start();
  for (const { operation, step, token } of LIFE) {
    try {
      await takeStep(driver, operation, step, token);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await driver.close();
      driver = start();
      assert.equal(disk.effects.at(-1)?.sequence ?? 0, remembered(disk).lastEffect, 'a restart completes the audit');
      await takeStep(driver, operation, step, token);
    }
  }
  await driver.close();
}

async function takeStep(
  driver: SimulatedDriver,
  operation: OperationType,
  step: DriverStep,
  token: number,
): Promise<void> {
  const run = new OperationRun(driver, token, { operation, bootId: 'boot-1', blockId: 32, range: blockRange(32, 1) });
  assert.deepEqual((await run.step(step)).ok, true, `${operation} ${step}`);
}

/** All that is on disk but the effects that the last write carried along, which are compared on their own. */
function remembered(disk: Disk): SimulatedState {
  return { ...(JSON.parse(disk.state ?? '') as SimulatedState), unwrittenEffects: [] };
}

function survive<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    return attempt();
  }
}

describe('simulated driver and crashes', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'memhp-crash-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('ends in the same state with the same effects, wherever the process dies', async () => {
    const undisturbed = new Disk();
    await live(undisturbed, directory);
    assert.deepEqual(
      undisturbed.effects.map(({ change }) => change),
      ['created', 'pages-online', 'pages-offline', 'removed'],
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: undisturbed.moment - 1 }), async (crashAt) => {
        const disk = new Disk();
        disk.crashAt = crashAt;
        await live(disk, directory);
        assert.deepEqual(disk.effects, undisturbed.effects);
        assert.deepEqual(remembered(disk), remembered(undisturbed));
      }),
      { numRuns: 60 },
    );
  });

  it('a settlement that was cut short by a crash is complete when it is repeated', async () => {
    const settledBy = async (disk: Disk): Promise<SimulatedState> => {
      const settle = async (): Promise<void> => {
        const store = disk.open();
        const driver = new SimulatedDriver({ directory, spec: SMALL_NODE, logger: SILENT_LOGGER, store });
        await driver.settle({ tokens: { mem_hotplug_lock: 5 }, below: 3 }).finally(() => driver.close());
      };
      await settle().catch(async (error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        await settle();
      });
      return remembered(disk);
    };
    const interrupted = new Disk();
    const driver = new SimulatedDriver({
      directory,
      spec: SMALL_NODE,
      logger: SILENT_LOGGER,
      store: interrupted.open(),
      newBootId: () => 'boot-1',
    });
    await takeStep(driver, 'add', 'prepare', 2);
    await takeStep(driver, 'add', 'commit', 2);
    await new OperationRun(driver, 5, { operation: 'offline', blockId: 40, bootId: 'boot-1' }).step('prepare');
    await driver.close();

    const undisturbed = Object.assign(new Disk(), { state: interrupted.state, effects: interrupted.effects });
    const expected = await settledBy(undisturbed);
    assert.equal(expected.blocks[40]?.state, 'online');
    assert.deepEqual(expected.claims, []);
    assert.ok(undisturbed.moment > 0);
    for (let crashAt = 0; crashAt < undisturbed.moment; crashAt++) {
      const disk = Object.assign(new Disk(), { state: interrupted.state, effects: [...interrupted.effects], crashAt });
      assert.deepEqual(await settledBy(disk), expected, `a crash at ${String(crashAt)}`);
    }
  });

  it('cuts off an audit line that was half written', () => {
    const effect: Effect = {
      sequence: 1,
      time: '2026-01-01T00:00:00.000Z',
      operation: 'online',
      step: 'commit',
      change: 'pages-online',
      blockId: 32,
    };
    openStateStore(directory).appendEffects([effect]);
    appendFileSync(join(directory, 'effects.jsonl'), '{"sequence":2,"ti');
    openStateStore(directory).appendEffects([effect, { ...effect, sequence: 2 }]);
    const lines = readFileSync(join(directory, 'effects.jsonl'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as Effect).sequence),
      [1, 2],
    );
  });

  it('continues after a restart with the same boot and tokens', async () => {
    const node = startSimulatedNode();
    try {
      const { bootId } = await node.driver.inspect([]);
      await new OperationRun(node.driver, 9, { operation: 'offline', blockId: 40, bootId }).step('prepare');
      const driver = await node.restart();
      assert.equal((await driver.inspect([40])).blocks[0]?.state, 'going-offline');
      const stale = await new OperationRun(driver, 8, { operation: 'offline', blockId: 40, bootId }).step('commit');
      assert.equal(stale.ok ? 'ok' : stale.errno, 'ESTALE');
    } finally {
      await node.remove();
    }
  });
});
