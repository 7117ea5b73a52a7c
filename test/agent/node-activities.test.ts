import assert from 'node:assert/strict';
import type { SettleInput, SettleResult } from '../../src/contract/activities.ts';
import type { DriverResult } from '../../src/contract/driver.ts';
import type { StepContext } from '../../src/contract/memory-driver.ts';
import { GatedDriver, type GatedMemoryDriver } from '../../src/agent/gated-driver.ts';
import { createNodeActivities, type ActivitySurroundings } from '../../src/agent/node-activities.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { driverCall, TEST_BLOCK_BYTES } from '../support/driver-run.ts';
import { startSimulatedNode } from '../support/simulated-driver.ts';

const CALL = driverCall({ operation: 'offline', step: 'commit', blockId: 40, bootId: 'boot-1' });

/** A driver whose step lasts until it is interrupted, like a migration without end. */
function migratingDriver(onStep: (context: StepContext) => void = () => undefined): GatedMemoryDriver {
  const step = (_call: unknown, context: StepContext): Promise<DriverResult> => {
    onStep(context);
    return new Promise((resolve) => {
      context.signal.addEventListener('abort', () => {
        resolve({ ok: false, errno: 'EINTR', message: 'interrupted' });
      });
    });
  };
  return { step } as unknown as GatedMemoryDriver;
}

function surroundings(parts: Partial<ActivitySurroundings>): () => ActivitySurroundings {
  const idle = { signal: new AbortController().signal, isCancelRequested: () => false, heartbeat: () => undefined };
  return () => ({ ...idle, ...parts });
}

describe('node activities', () => {
  it('a cancelled operation interrupts the step and its EINTR is a result', async () => {
    const cancellation = new AbortController();
    const activities = createNodeActivities({
      driver: migratingDriver(() => {
        queueMicrotask(() => {
          cancellation.abort();
        });
      }),
      publish: () => Promise.resolve(),
      surroundings: surroundings({ signal: cancellation.signal, isCancelRequested: () => true }),
    });
    const result = await activities.driverStep(CALL);
    assert.equal(result.ok ? 'ok' : result.errno, 'EINTR');
  });

  it('a worker that shuts down gives the attempt up without a result and without interrupting the step', async () => {
    const shutdown = new AbortController();
    let context: StepContext | undefined;
    let published = 0;
    const activities = createNodeActivities({
      driver: migratingDriver((seen) => {
        context = seen;
        queueMicrotask(() => {
          shutdown.abort(new Error('WORKER_SHUTDOWN'));
        });
      }),
      publish: () => {
        published++;
        return Promise.resolve();
      },
      surroundings: surroundings({ signal: shutdown.signal }),
    });
    await assert.rejects(activities.driverStep(CALL), /WORKER_SHUTDOWN/);
    assert.equal(context?.signal.aborted, false);
    assert.equal(published, 0);
  });

  it('heartbeats while the driver is silent, and repeats its last progress', async () => {
    const cancellation = new AbortController();
    const seen: string[] = [];
    const activities = createNodeActivities({
      driver: migratingDriver((context) => {
        context.heartbeat('migrating');
      }),
      publish: () => Promise.resolve(),
      surroundings: surroundings({
        signal: cancellation.signal,
        isCancelRequested: () => true,
        heartbeatTimeoutMs: 3,
        heartbeat: (details) => {
          seen.push(details);
          if (seen.length === 4) cancellation.abort();
        },
      }),
    });
    await activities.driverStep(CALL);
    assert.deepEqual(seen.slice(0, 4), ['migrating', 'migrating', 'migrating', 'migrating']);
  });

  it('shows the new state in the cluster before the step returns', async () => {
    const node = startSimulatedNode();
    try {
      const { bootId } = await node.driver.inspect([]);
      const order: string[] = [];
      const activities = createNodeActivities({
        driver: new GatedDriver(node.driver, new WriteGate(node)),
        publish: async () => {
          order.push((await node.driver.observe(40)).state ?? '');
        },
        surroundings: surroundings({}),
      });
      await activities.driverStep({ ...CALL, step: 'prepare', bootId });
      order.push('returned');
      assert.deepEqual(order, ['going-offline', 'returned']);
    } finally {
      await node.remove();
    }
  });

  it('waits for the statuses of the blocks that the step was about, by id or by range', async () => {
    const node = startSimulatedNode();
    try {
      const { bootId } = await node.driver.inspect([]);
      const asked: (readonly number[])[] = [];
      const activities = createNodeActivities({
        driver: new GatedDriver(node.driver, new WriteGate(node)),
        publish: (blockIds) => Promise.resolve(void asked.push(blockIds)),
        surroundings: surroundings({}),
      });
      const range = { start: 50 * TEST_BLOCK_BYTES, size: 2 * TEST_BLOCK_BYTES };
      await activities.driverStep({ ...CALL, step: 'prepare', bootId });
      await activities.driverStep(driverCall({ operation: 'add', step: 'prepare', range, bootId }, 2));
      const cpu = { operation: 'offline-cpu', step: 'prepare', cpu: 1, range: { start: 0, size: 0 }, bootId } as const;
      await activities.driverStep(driverCall(cpu, 3));
      assert.deepEqual(asked, [[40], [50, 51], []]);
    } finally {
      await node.remove();
    }
  });

  it('settle tells the driver all that was asked, and shows the new state before it returns', async () => {
    const seen: unknown[] = [];
    const answer = { bootId: 'boot-1', highestToken: 7 };
    const settle = (request: SettleInput): Promise<SettleResult> => {
      seen.push(request);
      return Promise.resolve(answer);
    };
    const activities = createNodeActivities({
      driver: { settle } as unknown as GatedMemoryDriver,
      publish: () => {
        seen.push('published');
        return Promise.resolve();
      },
      surroundings: surroundings({}),
    });
    const input = { node: 'worker-1', tokens: { mem_hotplug_lock: 7 }, below: 3, runs: ['run-1'] };
    assert.equal(await activities.settle(input), answer);
    assert.deepEqual(seen, [input, 'published']);
  });

  it('inspects by id and by physical range', async () => {
    const node = startSimulatedNode();
    try {
      const activities = createNodeActivities({
        driver: new GatedDriver(node.driver, new WriteGate(node)),
        publish: () => Promise.resolve(),
        surroundings: surroundings({}),
      });
      const byId = await activities.inspect({ node: 'n', blockIds: [7, 8] });
      const byRange = await activities.inspect({
        node: 'n',
        range: { start: 7 * TEST_BLOCK_BYTES, size: 2 * TEST_BLOCK_BYTES },
      });
      assert.deepEqual(byRange, byId);
      assert.deepEqual(
        byId.blocks.map(({ state }) => state),
        ['online', 'absent'],
      );
    } finally {
      await node.remove();
    }
  });
});
