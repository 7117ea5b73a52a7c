/**
 * A real node: its memory blocks are those of /sys/devices/system/memory, or of a copy of that.
 *
 * What the blocks are like is read from there whenever it is told or decided upon; only tokens, journal and the write under
 * way are the driver's own. So a block may read online before `finish`, where the simulated driver still shows it offline.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'winston';
import type { DriverCall, DriverResult, NodeInspection } from '../../contract/driver.ts';
import type { SettleResult } from '../../contract/activities.ts';
import type { AutoOnlineBlocks, MemoryDriver, SettleRequest, StepContext } from '../../contract/memory-driver.ts';
import type { NodeMemoryStatus, ObservedBlock } from '../../contract/resources.ts';
import { admit } from '../admission.ts';
import { MEMORY_SYSFS } from '../capture/sysfs-snapshot.ts';
import { DriverClosedError } from '../driver-closed-error.ts';
import { highestToken, overtakenTokens, isSettledBy, staleness } from '../fencing.ts';
import { recordEntry } from '../journal.ts';
import { inspectNode, nodeStatus, observeBlock, type ViewedNode } from '../node-view.ts';
import { openStateFile, type StateFile } from '../state-file.ts';
import { StepsUnderWay } from '../steps-under-way.ts';
import type { AttributeWriter } from './attribute-writer.ts';
import { autoOnlineFile } from './auto-online-file.ts';
import { ChildWriter } from './child-writer.ts';
import { followWrite, type WriteFollower } from './follow-write.ts';
import type { RunningWrite } from './running-write.ts';
import { settleRuns } from './settle.ts';
import { stepName, type ObservedEnd } from './step-verdict.ts';
import { concludeStep, takeStep } from './step.ts';
import { SysfsMemory } from './sysfs-memory.ts';
import { stateOfBoot, SYSFS_STATE_VERSION, withoutWrite, type SysfsState } from './sysfs-state.ts';
import { WatchedMemory, type WatchedMemoryOptions } from './watched-memory.ts';
import { WriteSlot } from './write-slot.ts';

export interface SysfsDriverOptions extends Omit<WatchedMemoryOptions, 'memory' | 'onChange'> {
  /** The node's own directory, as /run/memhp/NODE; created. Nothing else may use it at the same time. */
  readonly directory: string;
  /** /sys/devices/system/memory when unset. */
  readonly sysfsRoot?: string;
  /** /proc/sys/kernel/random/boot_id when unset. */
  readonly bootIdFile?: string;
  /**
   * NodeMemory.status.fencingEpoch, as an earlier agent left it. Counts where `directory` knows less: /run goes with the
   * boot. Unset: 0.
   */
  readonly fencingEpoch?: number;
  /** Unset: a child process per write. */
  readonly writer?: AttributeWriter;
  /**
   * Milliseconds since the boot, suspended time included: /proc/uptime when unset. It is compared across agents, and clocks
   * of the day are set now and then.
   */
  readonly uptimeMs?: () => number;
}

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Throws an Error that says what is missing where `sysfsRoot` is no memory directory of sysfs. */
export class SysfsDriver implements MemoryDriver {
  readonly name = 'sysfs';
  readonly autoOnlineBlocks: AutoOnlineBlocks;
  readonly #logger: Logger;
  readonly #uptimeMs: () => number;
  readonly #memory: SysfsMemory;
  readonly #file: StateFile<SysfsState>;
  readonly #writes: WriteSlot;
  readonly #watched: WatchedMemory;
  readonly #listeners = new Set<() => void>();
  readonly #underWay = new StepsUnderWay();
  readonly #closed = Promise.withResolvers<undefined>();
  #state: SysfsState;
  #isClosed = false;

  constructor(options: SysfsDriverOptions) {
    const { directory, sysfsRoot = MEMORY_SYSFS, bootIdFile = BOOT_ID_FILE, fencingEpoch = 0, logger } = options;
    this.#logger = logger;
    this.#uptimeMs = options.uptimeMs ?? (() => uptime() * 1000);
    this.#memory = new SysfsMemory(sysfsRoot);
    this.autoOnlineBlocks = autoOnlineFile(sysfsRoot);
    mkdirSync(directory, { recursive: true });
    this.#file = openStateFile(join(directory, 'sysfs.json'), SYSFS_STATE_VERSION);
    this.#state = stateOfBoot(this.#file.load(), readFileSync(bootIdFile, 'utf8').trim(), fencingEpoch);
    this.#file.save(this.#state);
    this.#writes = this.#openWrites(options.writer ?? new ChildWriter(directory));
    this.#watched = new WatchedMemory({ ...options, memory: this.#memory, onChange: this.#tellListeners.bind(this) });
    this.#begin();
  }

  step(call: DriverCall, context: StepContext): Promise<DriverResult> {
    return this.#underWay.track(call, this.#carryOut(underDeviceHotplugLock(call), context));
  }

  /** A write of another run is interrupted if this one has overtaken it, and its end waited for. */
  async resume(call: DriverCall, context: StepContext): Promise<DriverResult | undefined> {
    const admitted = underDeviceHotplugLock(call);
    for (;;) {
      this.#assertOpen();
      const { result } = admit(this.#state, admitted);
      if (result) return !result.ok && result.errno === 'ESTALE' ? undefined : result;
      const { running } = this.#writes;
      if (!running) return undefined;
      await this.#follow(running, admitted, context);
    }
  }

  /** Durable before it waits for the write and the steps under way, which then end with ESTALE. */
  async settle(request: SettleRequest): Promise<SettleResult> {
    this.#assertOpen();
    this.#become(settleRuns(this.#state, request));
    const { running } = this.#writes;
    if (running && (!running.call || isSettledBy(request, running.call.tokens))) {
      running.interrupt('settled');
      await this.#orClosed(running.over.catch(() => undefined));
    }
    await this.#underWay.settled(request);
    this.#assertOpen();
    const { bootId } = this.#state;
    return { bootId, highestToken: highestToken(this.#state), ...overtakenTokens(this.#state, request) };
  }

  /**
   * The blocks asked for are read now. `onlineBytes` is of the last look at all of them, with what our own steps have changed
   * since: exact under device_hotplug_lock but for changes by hand, which no lock of ours keeps from coming a moment later.
   */
  inspect(blockIds: readonly number[]): Promise<NodeInspection> {
    return answer(() => {
      for (const blockId of blockIds) this.#watched.read(blockId);
      return inspectNode(this.#nodeOf(this.#allBlocks()), this.#watched.capabilities, blockIds);
    });
  }

  /** As `onlineBytes` of `inspect`. */
  status(): Promise<NodeMemoryStatus> {
    return answer(() => {
      const node = this.#nodeOf(this.#allBlocks());
      return nodeStatus(node, this.#watched.capabilities, this.name, this.#state);
    });
  }

  observe(blockId: number): Promise<ObservedBlock> {
    return answer(() => {
      const block = this.#watched.read(blockId);
      return observeBlock(this.#nodeOf(block ? { [blockId]: block } : {}), blockId);
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A write goes on, in its own process and behind the gate that this process holds shut; the next driver finds it. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closed.resolve(undefined);
    this.#watched.close();
    this.#writes.close();
    return Promise.resolve();
  }

  /** After everything that may throw: what begins here would go on, and write to the file of a driver that nobody has. */
  #begin(): void {
    try {
      this.#writes.resume(this.#state.write);
    } catch (error) {
      this.#writes.close();
      throw error;
    }
    this.#watched.start();
  }

  async #carryOut(call: DriverCall, context: StepContext): Promise<DriverResult> {
    for (;;) {
      this.#assertOpen();
      const admission = admit(this.#state, call);
      this.#become(admission.state);
      if (admission.result) return admission.result;
      const { running } = this.#writes;
      if (running) {
        await this.#follow(running, call, context);
        continue;
      }
      const verdict = takeStep(admission.state, call, {
        memory: this.#memory,
        capabilities: this.#watched.capabilities,
        uptimeMs: this.#uptimeMs(),
        isInterrupted: context.signal.aborted,
      });
      if ('result' in verdict) {
        this.#become(recordEntry(verdict.state, call, verdict.result));
        return verdict.result;
      }
      this.#become(verdict.state);
      this.#writes.start(call, { ...verdict.write, gateDescriptors: context.gateDescriptors ?? [] });
    }
  }

  /** Waits for a write; it is interrupted when `call` is another step, or the operation of an offline is cancelled. */
  async #follow(running: RunningWrite, call: DriverCall, context: StepContext): Promise<void> {
    const over = this.#orClosed(running.over);
    if (!running.join(call)) {
      running.interrupt('overtaken');
      await followWrite(running, over, { context, what: 'waits for the write of another step' });
      return;
    }
    const what = `writing for ${stepName(call)}`;
    if (call.operation === 'offline') {
      await followWrite(running, over, { context, what, interruptible: this.#timeLimit(call) });
    } else await followWrite(running, over, { context, what });
  }

  /** Counted from the first write of the step, whatever has happened to agents since. */
  #timeLimit({ timeoutMs }: DriverCall): NonNullable<WriteFollower['interruptible']> {
    const uptimeMs = this.#uptimeMs();
    const { startedAtUptimeMs = uptimeMs } = this.#state.transition ?? {};
    return timeoutMs === undefined ? {} : { timeoutMs: timeoutMs - (uptimeMs - startedAtUptimeMs) };
  }

  async #orClosed(over: Promise<void>): Promise<void> {
    await Promise.race([over, this.#closed.promise]);
    this.#assertOpen();
  }

  #openWrites(writer: AttributeWriter): WriteSlot {
    const log = {
      begins: (write: NonNullable<SysfsState['write']>) => {
        this.#become({ ...this.#state, write });
      },
      ended: (call: DriverCall | undefined, end: ObservedEnd) => {
        this.#writeEnded(call, end);
      },
    };
    return new WriteSlot(writer, log, this.#logger);
  }

  /** A run that was settled meanwhile gets no entry: its journal would tell it to go on. */
  #writeEnded(call: DriverCall | undefined, end: ObservedEnd): void {
    this.#watched.written(call?.blockId, end);
    const state = withoutWrite(this.#state);
    const result = call && concludeStep(call, this.#memory, end);
    const isWanted = call && result && !staleness(state, call);
    this.#become(isWanted ? recordEntry(state, call, result) : state);
  }

  #allBlocks(): ViewedNode['blocks'] {
    this.#watched.written(this.#writes.running?.call?.blockId);
    return this.#watched.all();
  }

  #nodeOf(blocks: ViewedNode['blocks']): ViewedNode {
    return { bootId: this.#state.bootId, blockSizeBytes: this.#memory.blockSizeBytes, blocks };
  }

  /** Nothing is told to anyone, and no other step runs, before `next` is on disk. */
  #become(next: SysfsState): void {
    if (next === this.#state) return;
    this.#file.save(next);
    this.#state = next;
    this.#tellListeners();
  }

  #tellListeners(): void {
    for (const listener of this.#listeners) listener();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new DriverClosedError(this.name);
  }
}

/** Leaving device_hotplug_lock out is for simulated nodes only. */
function underDeviceHotplugLock(call: DriverCall): DriverCall {
  return { ...call, withoutDeviceHotplugLock: false };
}

/** What cannot be read rejects. */
function answer<T>(look: () => T): Promise<T> {
  return Promise.resolve().then(look);
}
