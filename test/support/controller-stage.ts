/** Controllers on a cluster, a Temporal server and a lock service in memory; time stands still until a test moves it. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryBlock, MemoryBlockStatus } from '../../src/contract/resources.ts';
import { describeTransport } from '../../src/controller/notifier-transport.ts';
import { Controller, type ControllerOptions } from '../../src/controller/controller.ts';
import { CLUSTER, NODE, nodeMemoryOf } from './block-fixtures.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { FakeLockService } from './fake-lock-service.ts';
import { FakeOperations } from './fake-operations.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export class ControllerStage {
  readonly clock = new FakeClock();
  readonly cluster = new FakeCluster();
  readonly operations = new FakeOperations(this.clock, this.cluster);
  readonly locks = new FakeLockService();
  readonly controllers: Controller[] = [];
  /** Of the controllers that are started from now on. */
  maxConcurrentOfflines: number | undefined;
  operationsPerNode: number | undefined;

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await nextTurn();
  }

  /** Time passes, in steps small enough for what it sets off to happen meanwhile. */
  async pass(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      this.clock.advance(100);
      for (let turn = 0; turn < 5; turn++) await nextTurn();
    }
    await this.settle();
  }

  /** Starts controllers on a cluster with one node and `block`. The plugin `guard` is the only one known. */
  async run(block: MemoryBlock, replicas = 1): Promise<void> {
    const { cluster } = this;
    if (!cluster.nodeMemories.has(NODE)) cluster.nodeMemories.set(NODE, nodeMemoryOf());
    cluster.put(block);
    for (let replica = 0; replica < replicas; replica++) this.startController({ random: () => replica / replicas });
    await this.settle();
  }

  /** One more, which differs from the others in `options`. */
  startController(options: Partial<ControllerOptions> = {}): void {
    const { cluster, operations, locks, clock, maxConcurrentOfflines, operationsPerNode } = this;
    const controller = new Controller({
      clusterId: CLUSTER,
      caches: cluster.caches,
      cluster,
      starter: operations,
      locks,
      checkTransport: (transport) => {
        const name = describeTransport(transport);
        return Promise.resolve(name === 'guard' ? undefined : `there is no plugin ${name}`);
      },
      log: SILENT,
      clock,
      random: () => 0,
      ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
      ...(operationsPerNode === undefined ? {} : { operationsPerNode }),
      ...options,
    });
    cluster.listeners.push((object, change) => {
      controller.blockChanged(object, change);
    });
    cluster.notifierListeners.push((object, change) => {
      controller.notifierChanged(object, change);
    });
    this.controllers.push(controller);
    controller.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.controllers.map((controller) => controller.stop()));
    assert.equal(this.clock.pending, 0, 'no timer outlives its controller');
  }

  status(name: string): MemoryBlockStatus {
    return this.cluster.block(name).status ?? {};
  }

  /** Status, reason and message of a block's Ready condition. */
  ready(name: string): readonly [status: string, reason: string, message: string] {
    const condition = this.status(name).conditions?.find(({ type }) => type === 'Ready');
    return [condition?.status ?? '', condition?.reason ?? '', condition?.message ?? ''];
  }

  get reasons(): readonly string[] {
    return this.cluster.events.map(({ reason }) => reason);
  }
}
