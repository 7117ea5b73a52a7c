/** A driver behind the reader gate: nothing that demands mem_hotplug_lock is begun while a process holds `getOnlineMems`. */
import type {
  BeginWriteInput,
  BeginWriteResult,
  OnlineMemsReader,
  SettleResult,
  WriteGateInput,
} from '../contract/activities.ts';
import { demandedLocks, type DriverCall, type DriverResult, type NodeInspection } from '../contract/driver.ts';
import { MEM_HOTPLUG_LOCK } from '../contract/lock-names.ts';
import type { MemoryDriver, SettleRequest, StepContext } from '../contract/memory-driver.ts';
import { describeReaders } from '../contract/online-mems-reader.ts';
import type { NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';
import type { WriteGate, Writer } from '../online-mems/write-gate.ts';

/** What the node's activities need: a driver, and the gate before it. */
export interface GatedMemoryDriver extends MemoryDriver {
  beginWrite(input: BeginWriteInput, context: StepContext): Promise<BeginWriteResult>;
  endWrite(input: WriteGateInput): void;
}

/** How long `beginWrite` waits; see NodeActivities. */
export interface GatePatience {
  /** Most readers leave at once: the first call waits for them instead of telling who they are. */
  readonly firstMs: number;
  readonly waitMs: number;
  /** Readers that leave one by one are told no more often than this: each answer costs the operation six events. */
  readonly changeMs: number;
}

const PATIENCE: GatePatience = { firstMs: 1_000, waitMs: 30_000, changeMs: 5_000 };

type Refusal = DriverResult & { readonly ok: false };

export class GatedDriver implements GatedMemoryDriver {
  readonly name: string;
  readonly #driver: MemoryDriver;
  readonly #gate: WriteGate;
  readonly #patience: GatePatience;
  /** What the last answer named, and which writer it told. */
  #told = { token: 0, pids: '' };

  constructor(driver: MemoryDriver, gate: WriteGate, patience: GatePatience = PATIENCE) {
    this.name = driver.name;
    this.#driver = driver;
    this.#gate = gate;
    this.#patience = patience;
  }

  /**
   * As of the driver. A step that demands mem_hotplug_lock first makes sure that readers are out: after a restart of the
   * agent some may be inside again. A step of the writer without that lock shows that it was given back.
   *
   * An abort waits for nobody: memory that was online stays so and what was offline too, which is all that a reader relies
   * on. It has no time limit and cannot be cancelled, so a reader who came in meanwhile would keep every lock held.
   */
  async step(call: DriverCall, context: StepContext): Promise<DriverResult> {
    const token = call.tokens[MEM_HOTPLUG_LOCK];
    const { runId } = call.owner;
    if (token === undefined) this.#gate.end(runId);
    else if (call.step !== 'abort' && demandedLocks(call).includes(MEM_HOTPLUG_LOCK))
      return this.#write(call, { token, runId }, context);
    return this.#driver.step(call, context);
  }

  /**
   * A write that an earlier agent began may still keep the gate shut, so that is waited for first. Its result stands, even
   * if the operation is cancelled while readers who have come in since are waited for.
   */
  async #write(call: DriverCall, writer: Writer, context: StepContext): Promise<DriverResult> {
    const earlier = await this.#driver.resume?.(call, context);
    const refusal = await this.#keepReadersOut(writer, context);
    if (refusal && !(earlier && refusal.errno === 'EINTR')) return refusal;
    return earlier ?? this.#driver.step(call, { ...context, gateDescriptors: this.#gate.descriptors ?? [] });
  }

  async beginWrite(
    { owner, token, isWaiting = false, limitMs = Number.POSITIVE_INFINITY }: BeginWriteInput,
    { signal }: StepContext,
  ): Promise<BeginWriteResult> {
    const { firstMs, waitMs, changeMs } = this.#patience;
    const startMs = performance.now();
    const toldPids = (): string => (this.#told.token === token ? this.#told.pids : '');
    const verdict = await this.#gate.begin({ token, runId: owner.runId }, (readers) => {
      const waitedMs = performance.now() - startMs;
      if (signal.aborted || waitedMs >= Math.min(limitMs, isWaiting ? waitMs : firstMs)) return true;
      return isWaiting && waitedMs >= changeMs && pidsOf(readers) !== toldPids();
    });
    if (verdict.kind === 'stale') return { kind: 'refused', errno: 'ESTALE', message: verdict.message };
    if (verdict.kind === 'waiting') this.#told = { token, pids: pidsOf(verdict.readers) };
    return verdict;
  }

  endWrite({ owner, token }: WriteGateInput): void {
    this.#gate.end(owner.runId, token);
  }

  /**
   * Readers come in only when the driver has stopped. A run that was ended after it had given mem_hotplug_lock back, and
   * before its next step told so, has no token of it that could be settled: its name opens the gate.
   */
  async settle(request: SettleRequest): Promise<SettleResult> {
    const { tokens = {}, below = 0, runs = [] } = request;
    this.#gate.refuse(Math.max(tokens[MEM_HOTPLUG_LOCK] ?? 0, below - 1));
    const result = await this.#driver.settle(request);
    this.#gate.openStale();
    for (const runId of runs) this.#gate.end(runId);
    return result;
  }

  inspect(blockIds: readonly number[]): Promise<NodeInspection> {
    return this.#driver.inspect(blockIds);
  }

  status(): Promise<NodeMemoryStatus> {
    return this.#driver.status();
  }

  observe(blockId: number): Promise<ObservedBlock> {
    return this.#driver.observe(blockId);
  }

  onChange(listener: () => void): () => void {
    return this.#driver.onChange(listener);
  }

  async close(): Promise<void> {
    await this.#driver.close();
    this.#gate.close();
  }

  async #keepReadersOut(writer: Writer, context: StepContext): Promise<Refusal | undefined> {
    let told = '';
    const verdict = await this.#gate.begin(writer, (readers) => {
      const names = describeReaders(readers);
      if (names !== told) context.heartbeat(`waits for ${(told = names)}`);
      return context.signal.aborted;
    });
    if (verdict.kind === 'begun') return undefined;
    if (verdict.kind === 'stale') {
      return { ok: false, errno: 'ESTALE', message: verdict.message, staleLock: MEM_HOTPLUG_LOCK };
    }
    return { ok: false, errno: 'EINTR', message: `interrupted while waiting for ${describeReaders(verdict.readers)}` };
  }
}

function pidsOf(readers: readonly OnlineMemsReader[]): string {
  return readers.map(({ pid }) => pid).join(' ');
}
