/** Node activities for workflow tests: a tiny in-memory node that records every step and can be held at one. */
import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { NodeActivities, OnlineMemsReader, SettleInput } from '../../src/contract/activities.ts';
import { blockIdsOf, demandedLocks, type DriverCall, type DriverResult } from '../../src/contract/driver.ts';
import { MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { MemoryBlockState } from '../../src/kernel/memory-block.ts';

export const BLOCK_SIZE = 128 * 2 ** 20;

/** Where a step stops until the test lets it go on. */
export interface Hold {
  /** Resolves when the step has been reached. */
  readonly reached: Promise<DriverCall>;
  letGo(): void;
}

export class ScriptedNode {
  readonly name: string;
  bootId = 'boot-1';
  readonly states = new Map<number, MemoryBlockState>();
  readonly calls: DriverCall[] = [];
  readonly settlements: SettleInput[] = [];
  /** `online.commit` → what to answer instead of doing it. */
  readonly answers = new Map<string, DriverResult>();
  /** Processes inside get_online_mems(): a writer waits until there are none. */
  readers: readonly OnlineMemsReader[] = [];
  /** Token of mem_hotplug_lock for which readers are kept out. */
  writing: number | undefined;
  private writer: string | undefined;
  private readonly holds = new Map<
    string,
    { reach: (call: DriverCall) => void; gate: Promise<void>; isDead: boolean }
  >();

  constructor(name: string, states: Record<number, MemoryBlockState> = {}) {
    this.name = name;
    for (const [id, state] of Object.entries(states)) this.states.set(Number(id), state);
  }

  /** Stops the next `operation.step` after it has had its effect, until `letGo` or until it is cancelled (EINTR). */
  holdAt(step: string): Hold {
    return this.hold(step, false);
  }

  /** As `holdAt`, but nothing more is heard of that attempt, and it hears of no cancellation: its agent was switched off. */
  dieAt(step: string): Hold {
    return this.hold(step, true);
  }

  /** Steps stop nowhere any more, unless they have stopped already. */
  forgetHolds(): void {
    this.holds.clear();
  }

  get onlineBytes(): number {
    return [...this.states.values()].filter((state) => state !== 'offline').length * BLOCK_SIZE;
  }

  /** The steps so far, as `online.commit`. */
  get steps(): string[] {
    return this.calls.map((call) => `${call.operation}.${call.step}`);
  }

  readonly activities: NodeActivities = {
    inspect: (input) => {
      const ids = 'range' in input ? blockIdsOf(input.range, BLOCK_SIZE) : input.blockIds;
      const blocks = ids.map((blockId) => ({ blockId, state: this.states.get(blockId) ?? ('absent' as const) }));
      const capabilities = { add: true, remove: true, online: true, offline: true };
      const { bootId, onlineBytes } = this;
      return Promise.resolve({ bootId, blockSizeBytes: BLOCK_SIZE, onlineBytes, capabilities, blocks });
    },
    driverStep: async (call) => {
      this.calls.push(call);
      for (const lock of demandedLocks(call)) assert.ok(call.tokens[lock], `${call.step} without a token of ${lock}`);
      const token = call.tokens[MEM_HOTPLUG_LOCK];
      if (demandedLocks(call).includes(MEM_HOTPLUG_LOCK))
        assert.ok((this.writing ?? Infinity) <= (token ?? 0), 'readers are kept out');
      if (token === undefined && this.writer === call.owner.runId) this.writing = undefined;
      const key = `${call.operation}.${call.step}`;
      const answer = this.answers.get(key) ?? this.carryOut(call);
      const hold = this.holds.get(key);
      this.holds.delete(key);
      if (!hold) return answer;
      hold.reach(call);
      if (hold.isDead) return hold.gate.then(() => answer);
      return (await this.isInterrupted(hold.gate)) ? { ok: false, errno: 'EINTR', message: 'cancelled' } : answer;
    },
    beginWrite: ({ token, owner }) => {
      this.writing = token;
      this.writer = owner.runId;
      const { readers } = this;
      return Promise.resolve(readers.length === 0 ? { kind: 'begun' } : { kind: 'waiting', readers });
    },
    endWrite: ({ token }) => {
      if ((this.writing ?? Infinity) <= token) this.writing = undefined;
      return Promise.resolve();
    },
    settle: (input) => {
      this.settlements.push(input);
      for (const [id, state] of this.states) if (state === 'going-offline') this.states.set(id, 'online');
      return Promise.resolve({ bootId: this.bootId, highestToken: 0 });
    },
  };

  private hold(step: string, isDead: boolean): Hold {
    const reached = Promise.withResolvers<DriverCall>();
    const gate = Promise.withResolvers<undefined>();
    this.holds.set(step, { reach: reached.resolve, gate: gate.promise, isDead });
    return { reached: reached.promise, letGo: () => gate.resolve(undefined) };
  }

  /** Waits for `gate`, heartbeating as a driver does so that cancellation reaches it. */
  private async isInterrupted(gate: Promise<void>): Promise<boolean> {
    const context = Context.current();
    const heart = setInterval(() => context.heartbeat(), 100);
    try {
      await Promise.race([gate, context.cancelled]);
      return false;
    } catch (error) {
      if (!(error instanceof CancelledFailure)) throw error;
      return true;
    } finally {
      clearInterval(heart);
    }
  }

  private carryOut({ operation, step, blockId = -1 }: DriverCall): DriverResult {
    const state = this.states.get(blockId) ?? 'absent';
    switch (`${operation}.${step}`) {
      case 'add.commit':
        this.states.set(blockId, 'offline');
        return { ok: true };
      case 'online.prepare':
        if (state === 'absent') return { ok: false, errno: 'ENODEV', message: 'no such device' };
        return { ok: true, zone: 'Movable' };
      case 'online.commit':
        this.states.set(blockId, 'online');
        return { ok: true, zone: 'Movable' };
      case 'offline.prepare':
        this.states.set(blockId, 'going-offline');
        return { ok: true };
      case 'offline.commit':
        this.states.set(blockId, 'offline');
        return { ok: true };
      case 'offline.abort':
        this.states.set(blockId, 'online');
        return { ok: true };
      case 'remove.commit':
        this.states.delete(blockId);
        return { ok: true };
      default:
        return { ok: true };
    }
  }
}
