/** A node without memory blocks, whose add can be stopped in the window: the device is visible, its lock not taken yet. */
import type { NodeActivities } from '../../src/contract/activities.ts';
import { blockIdsOf, type DriverCall, type DriverResult, type NodeInspection } from '../../src/contract/driver.ts';
import type { MemoryBlockState } from '../../src/kernel/memory-block.ts';

export const BLOCK_SIZE_BYTES = 128 * 2 ** 20;

const ENODEV: DriverResult = { ok: false, errno: 'ENODEV', message: 'there is no such device' };

export class WindowNode {
  readonly name: string;
  readonly #states = new Map<number, MemoryBlockState>();
  #reachWindow: () => void = () => undefined;
  #window: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    this.name = name;
  }

  /** The next add stops there until `close`. */
  openWindow(): { readonly reached: Promise<unknown>; readonly close: () => void } {
    const reached = Promise.withResolvers<undefined>();
    const closed = Promise.withResolvers<undefined>();
    this.#reachWindow = () => reached.resolve(undefined);
    this.#window = closed.promise;
    return { reached: reached.promise, close: () => closed.resolve(undefined) };
  }

  readonly activities: NodeActivities = {
    inspect: (input) => {
      const blockIds = 'range' in input ? blockIdsOf(input.range, BLOCK_SIZE_BYTES) : input.blockIds;
      return Promise.resolve(this.#inspect(blockIds));
    },
    driverStep: async (call) => {
      const result = this.#carryOut(call);
      if (call.operation === 'add' && call.step === 'commit') {
        this.#reachWindow();
        await this.#window;
      }
      return result;
    },
    beginWrite: () => Promise.resolve({ kind: 'begun' }),
    endWrite: () => Promise.resolve(),
    settle: () => Promise.resolve({ bootId: BOOT_ID, highestToken: 0 }),
  };

  #inspect(blockIds: readonly number[]): NodeInspection {
    const blocks = blockIds.map((blockId) => ({ blockId, state: this.#states.get(blockId) ?? ('absent' as const) }));
    const capabilities = { add: true, remove: true, online: true, offline: true };
    return { bootId: BOOT_ID, blockSizeBytes: BLOCK_SIZE_BYTES, capabilities, blocks };
  }

  #carryOut({ operation, step, range, blockId = -1 }: DriverCall): DriverResult {
    switch (`${operation}.${step}`) {
      case 'add.commit':
        this.#states.set(blockId, 'offline');
        return { ok: true };
      case 'add.abort':
        for (const id of blockIdsOf(range, BLOCK_SIZE_BYTES)) this.#states.delete(id);
        return { ok: true };
      case 'online.prepare':
        return this.#states.has(blockId) ? { ok: true, zone: 'Movable' } : ENODEV;
      case 'online.commit':
        this.#states.set(blockId, 'online');
        return { ok: true, zone: 'Movable' };
      default:
        return { ok: true };
    }
  }
}

const BOOT_ID = 'the-only-boot';
