/** `mem_hotplug_begin()` and `mem_hotplug_done()` on the node itself: keeps the processes there out that hold get_online_mems(). */
import type { WriteGateInput } from '../src/contract/activities.ts';
import { demandedLocks, type DriverCall, type RunReference } from '../src/contract/driver.ts';
import { MEM_HOTPLUG_LOCK } from '../src/contract/lock-names.ts';
import { describeReaders } from '../src/contract/online-mems-reader.ts';
import { driverFailed, failed, type Ending } from './ending.ts';
import type { LockClient } from './lock-client.ts';
import { STEP_MS, type NodeQueue, type NodeQueueContext } from './node-queue.ts';

/** The workflow that writes. */
export interface MemHotplugContext extends NodeQueueContext {
  readonly owner: RunReference;
  readonly locks: LockClient;
  /** When the wait for the locks taken last must end, in ms since the epoch. */
  readonly lockDeadlineMs: number;
}

export class MemHotplug {
  private readonly context: MemHotplugContext;
  private readonly queue: NodeQueue;
  /** Token of mem_hotplug_lock for which readers on the node are kept out. */
  private writing: number | undefined;

  constructor(context: MemHotplugContext, queue: NodeQueue) {
    this.context = context;
    this.queue = queue;
  }

  /** See Driver.memHotplugBegin. */
  async begin(): Promise<Ending | undefined> {
    const { context, queue } = this;
    let answer = await queue.promptly('mem_hotplug_begin', ({ beginWrite }, options) =>
      beginWrite.executeWithOptions(options, [this.gate]),
    );
    if ('result' in answer) return answer;
    this.writing = this.gate.token;
    for (let told = ''; answer.kind === 'waiting';) {
      const readers = describeReaders(answer.readers);
      context.enter('WaitingForReaders', readers);
      if (readers !== told) context.tell(`waits for readers: ${(told = readers)}`);
      const givenUp = this.giveUpWaiting(readers);
      if (givenUp) {
        await this.done();
        return givenUp;
      }
      const limitMs = context.lockDeadlineMs - Date.now();
      answer = await queue.interruptible({ ...answer }, () =>
        queue.patiently(`wait for ${readers}`, STEP_MS, ({ beginWrite }, options) =>
          beginWrite.executeWithOptions(options, [{ ...this.gate, isWaiting: true, limitMs }]),
        ),
      );
    }
    if (answer.kind === 'begun') return undefined;
    context.locks.noteRefused(MEM_HOTPLUG_LOCK, this.writing);
    return driverFailed({ ok: false, ...answer });
  }

  /** See Driver.memHotplugDone. */
  async done(): Promise<void> {
    if (this.writing === undefined) return;
    const { gate } = this;
    this.writing = undefined;
    await this.queue.patiently('mem_hotplug_done', STEP_MS, ({ endWrite }, options) =>
      endWrite.executeWithOptions(options, [gate]),
    );
  }

  /** What `call` means to the agent: done, where it comes without the token; and begun, where it demands it. */
  stepTaken(call: DriverCall): void {
    const token = call.tokens[MEM_HOTPLUG_LOCK];
    if (token === undefined || demandedLocks(call).includes(MEM_HOTPLUG_LOCK)) this.writing = token;
  }

  /** With the present token of mem_hotplug_lock: a lock service that was created anew gives another. */
  private get gate(): WriteGateInput {
    const { input, owner, locks } = this.context;
    return { node: input.node, owner, token: locks.tokens[MEM_HOTPLUG_LOCK] ?? this.writing ?? 0 };
  }

  private giveUpWaiting(readers: string): Ending | undefined {
    const { isCancelled, lockDeadlineMs, input } = this.context;
    if (isCancelled) return { result: 'Superseded', message: `cancelled while waiting for readers: ${readers}` };
    if (Date.now() < lockDeadlineMs) return undefined;
    const waited = `for ${String(input.lockTimeoutMs / 1000)} s`;
    return failed('ETIMEDOUT', `waited ${waited} for readers that keep memory as it is: ${readers}`, 'LockTimeout');
  }
}
