/** Driver steps of an operation: activities on the node's own task queue, carried out by its agent. */
import type { DriverCall, DriverResult, DriverStep, MemoryRange, NodeInspection } from '../src/contract/driver.ts';
import { log } from '@temporalio/workflow';
import type { SettleResult } from '../src/contract/activities.ts';
import { stepFields } from '../src/contract/step-fields.ts';
import { driverFailed, type Ending } from './ending.ts';
import { MemHotplug, type MemHotplugContext } from './mem-hotplug.ts';
import { NodeQueue, STEP_MS, type NodeCall } from './node-queue.ts';

/** What a step needs beyond what the operation knows. */
export type StepArguments = Pick<
  DriverCall,
  'operation' | 'range' | 'blockId' | 'cpu' | 'onlineType' | 'numaNode' | 'timeoutMs'
>;

/** The operation that the steps belong to. */
export interface DriverContext extends MemHotplugContext {
  readonly bootId: string | undefined;
}

/** Which blocks an operation is about. */
export type Where = { readonly blockIds: readonly number[] } | { readonly range: MemoryRange };

export class Driver {
  private readonly operation: DriverContext;
  private readonly queue: NodeQueue;
  private readonly memHotplug: MemHotplug;

  constructor(operation: DriverContext) {
    this.operation = operation;
    this.queue = new NodeQueue(operation);
    this.memHotplug = new MemHotplug(operation, this.queue);
  }

  /** The node as it is now. */
  async inspect(where: Where): Promise<NodeInspection | Ending> {
    const { node } = this.operation.input;
    return this.queue.promptly(`look at ${node}`, ({ inspect }, options) =>
      inspect.executeWithOptions(options, [{ node, ...where }]),
    );
  }

  /**
   * `mem_hotplug_begin()` on the node: returns when no process there is inside get_online_mems(), and keeps later ones
   * out until `memHotplugDone`. Caller holds mem_hotplug_lock (write). An ending means that readers are let in again: the
   * operation was cancelled, or they have stayed longer than locks may be waited for.
   */
  async memHotplugBegin(): Promise<Ending | undefined> {
    return this.memHotplug.begin();
  }

  /**
   * `mem_hotplug_done()` on the node: lets readers in again. Called before mem_hotplug_lock is given back, unless a step
   * follows at once: without the token it says the same, and saves six events. Nothing happens without a begin.
   */
  async memHotplugDone(): Promise<void> {
    return this.memHotplug.done();
  }

  /**
   * Has the agent bring to an end whatever earlier holders of the locks held now have left unfinished, and refuse them from
   * now on. The agent must begin within `agentStartMs`.
   */
  async settle(): Promise<Ending | undefined> {
    const settled = await this.queue.promptly(this.settlement.summary, this.settlement.call);
    return 'result' in settled ? settled : this.whyOvertaken(settled);
  }

  /** As `settle`, but waits for the agent until the operation is cancelled. */
  async settlePatiently(): Promise<Ending | undefined> {
    const { summary, call } = this.settlement;
    const cancelled: Ending = { result: 'Superseded', message: `cancelled: ${this.queue.silence()}` };
    return this.queue.interruptible<Ending | undefined>(cancelled, async () => {
      return this.whyOvertaken(await this.queue.patiently(summary, STEP_MS, call));
    });
  }

  /** A later token than that of a lock which is held: nothing was settled, as whoever had it may be at work. */
  private whyOvertaken({ overtaken = {} }: SettleResult): Ending | undefined {
    const { locks } = this.operation;
    const held = Object.entries(locks.tokens);
    const [name, token] = held.find(([lock, own]) => (overtaken[lock] ?? 0) > own) ?? [];
    if (name === undefined) return undefined;
    locks.noteRefused(name, token);
    const message = `the node has seen token ${String(overtaken[name])} of ${name}, later than ${String(token)}, which is held`;
    return driverFailed({ ok: false, errno: 'ESTALE', message });
  }

  private get settlement(): { readonly summary: string; readonly call: NodeCall<SettleResult> } {
    const { input, locks } = this.operation;
    const held = Object.entries(locks.tokens);
    const tokens = Object.fromEntries(held.map(([name, token]) => [name, token - 1]));
    return {
      summary: `settle what was left on ${input.node}`,
      call: ({ settle }, options) => settle.executeWithOptions(options, [{ node: input.node, tokens }]),
    };
  }

  /** One step, with the tokens of all locks held. Waits for the agent as long as it takes: the operation has begun. */
  async step(step: DriverStep, args: StepArguments): Promise<DriverResult> {
    const { operation } = this;
    operation.enter('Driving', step);
    const call: DriverCall = {
      node: operation.input.node,
      step,
      owner: operation.owner,
      tokens: operation.locks.tokens,
      bootId: operation.bootId ?? '',
      ...(operation.input.withoutDeviceHotplugLock ? { withoutDeviceHotplugLock: true } : {}),
      ...args,
    };
    this.memHotplug.stepTaken(call);
    const result = await this.queue.patiently(
      summaryOf(call),
      STEP_MS + (call.timeoutMs ?? 0),
      ({ driverStep }, options) => driverStep.executeWithOptions(options, [call]),
    );
    if (!result.ok && result.staleLock !== undefined) {
      operation.locks.noteRefused(result.staleLock, call.tokens[result.staleLock]);
    }
    log.debug('driver step', stepFields(call, result));
    const what = `driver: ${summaryOf(call)}`;
    operation.tell(`${what}${describe(result)}`);
    return result;
  }

  /** As `step`, but cancelling the operation interrupts it: then, or when it never began, the result is EINTR. */
  async interruptibleStep(step: DriverStep, args: StepArguments): Promise<DriverResult> {
    const interrupted: DriverResult = { ok: false, errno: 'EINTR', message: 'cancelled' };
    return this.queue.interruptible(interrupted, () => this.step(step, args));
  }
}

function describe(result: DriverResult): string {
  if (!result.ok) return `: ${result.errno}: ${result.message}`;
  const zone = result.zone ? ` (zone ${result.zone})` : '';
  return result.committed ? `${zone}: it has happened already, and stays` : zone;
}

function summaryOf(call: DriverCall): string {
  return `${call.step} ${call.operation} ${deviceOf(call)}`;
}

function deviceOf({ blockId, cpu, range }: DriverCall): string {
  if (cpu !== undefined) return `cpu${String(cpu)}`;
  return blockId === undefined ? `0x${range.start.toString(16)}` : `memory${String(blockId)}`;
}
