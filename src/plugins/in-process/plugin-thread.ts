import { Worker } from 'node:worker_threads';
import { memoryBlockName } from '../../contract/names.ts';
import type { MemoryNotify } from '../../contract/notifier.ts';
import type { ClusterReader } from '../cluster-reader.ts';
import type { PluginLog } from '../define-plugin.ts';
import { MODULE_EXTENSION } from '../module-extension.ts';
import type { NodeLeases } from '../node-leases.ts';
import { describeLeaseRequest, serveLeaseRequest } from './lease-request.ts';
import { isFromThread, type PluginDescription, type ThreadData, type ToThread } from './thread-messages.ts';

const ENTRY = new URL(`./thread-entry${MODULE_EXTENSION}`, import.meta.url);
/** As many as a worker runs activities at once by default; more are refused instead of piling up in the thread. */
const CALLS_MAX = 100;
/** Every call may read the three things of the cluster at a time; or its Lease, which is one. */
const REQUESTS_MAX = 3 * CALLS_MAX;
/**
 * A node has some 500 pods of half a KiB each, held twice while they cross the port: half a MiB a call, 50 MiB for
 * CALLS_MAX. The rest is the plugin's own.
 */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };
/** The signal aborts this share of the timeout before the deadline, so that a plugin can still say what it waited for. */
const ABORT_LEAD = 0.1;

/** What a plugin may use of the process that runs it. */
export interface PluginServices {
  readonly cluster: ClusterReader;
  readonly leases: NodeLeases;
  readonly log: PluginLog;
}

export type CallOutcome =
  | { readonly kind: 'answered'; readonly text: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'timed-out' }
  /** The thread is gone. `wasAlone`: no other call was under way, so this one is what it died of. */
  | { readonly kind: 'ended'; readonly message: string; readonly wasAlone: boolean };

interface CallUnderWay {
  readonly event: MemoryNotify;
  readonly resolve: (outcome: CallOutcome) => void;
}

/**
 * One worker thread that runs one plugin, from start to end; a new one is made after that. Does not keep the process
 * alive. No method throws because of the plugin.
 */
export class PluginThread {
  readonly #worker: Worker;
  readonly #services: PluginServices;
  readonly #calls = new Map<number, CallUnderWay>();
  readonly #described = Promise.withResolvers<PluginDescription>();
  readonly #exited = Promise.withResolvers<true>();
  #nextCallId = 0;
  #requestsUnderWay = 0;
  #endedBecause: string | undefined;
  #isTerminating = false;

  constructor(moduleUrl: string, services: PluginServices) {
    this.#services = services;
    const workerData: ThreadData = { moduleUrl };
    this.#worker = new Worker(ENTRY, { workerData, resourceLimits: RESOURCE_LIMITS, execArgv: [] });
    this.#worker.on('message', (message: unknown) => {
      this.#receive(message);
    });
    this.#worker.on('messageerror', () => void this.end('sent a message that cannot be read'));
    this.#worker.on('error', (error: unknown) => (this.#endedBecause ??= `crashed: ${messageOf(error)}`));
    this.#worker.on('exit', (code) => {
      this.#settle(this.#endedBecause ?? `exited with code ${String(code)}`);
    });
    // After the listeners: each of them would hold the process again.
    this.#worker.unref();
    // Only who loads the plugin looks at its description.
    this.#described.promise.catch(() => undefined);
  }

  get hasEnded(): boolean {
    return this.#endedBecause !== undefined;
  }

  /** What the module says about itself; rejects when the thread ends before. */
  get description(): Promise<PluginDescription> {
    return this.#described.promise;
  }

  /** Asks the plugin; at the timeout the thread is terminated, since nothing less stops an endless loop. */
  async call(event: MemoryNotify, config: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<CallOutcome> {
    if (this.#endedBecause !== undefined) return { kind: 'ended', message: this.#endedBecause, wasAlone: false };
    if (this.#calls.size >= CALLS_MAX)
      return { kind: 'failed', message: `${String(CALLS_MAX)} calls are under way already` };
    const id = this.#nextCallId++;
    const { promise, resolve } = Promise.withResolvers<CallOutcome>();
    this.#calls.set(id, { event, resolve });
    const timer = setTimeout(() => {
      this.#resolve(id, { kind: 'timed-out' });
      void this.end(`was terminated: it did not answer ${event.action} of memory${String(event.blockId)} in time`);
    }, timeoutMs);
    try {
      this.#send({ type: 'call', id, event, config, abortAfterMs: Math.floor(timeoutMs * (1 - ABORT_LEAD)) });
      return await promise;
    } catch (error) {
      return { kind: 'failed', message: `the question cannot be passed to its thread: ${messageOf(error)}` };
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  /** Terminates the thread; every call under way is `ended` with `because`. Resolves when the thread is gone. */
  async end(because: string): Promise<void> {
    this.#endedBecause ??= because;
    // Whoever waits for the end must not be cut off by the end of the process.
    this.#worker.ref();
    if (!this.#isTerminating) void this.#worker.terminate();
    this.#isTerminating = true;
    await this.#exited.promise;
  }

  #receive(message: unknown): void {
    if (!isFromThread(message)) {
      void this.end('sent a message that no plugin thread sends');
      return;
    }
    switch (message.type) {
      case 'ready':
        this.#described.resolve(message);
        return;
      case 'answer':
        this.#resolve(message.id, { kind: 'answered', text: message.answer });
        return;
      case 'failed':
        this.#resolve(message.id, { kind: 'failed', message: message.message });
        return;
      case 'cluster':
        void this.#serve(message.id, `reading ${message.method} of ${message.node}`, () =>
          this.#services.cluster[message.method](message.node),
        );
        return;
      case 'leases':
        void this.#serve(message.id, describeLeaseRequest(message.request), () =>
          serveLeaseRequest(this.#services.leases, message.request, this.#nodes()),
        );
        return;
      case 'log':
        this.#services.log[message.level](message.message, {
          ...aboutOf(this.#calls.get(message.id)?.event),
          ...parseFields(message.fields),
        });
    }
  }

  /** What the plugin is being asked about. */
  #nodes(): ReadonlySet<string> {
    return new Set([...this.#calls.values()].map(({ event }) => event.node));
  }

  async #serve(id: number, what: string, serve: () => Promise<unknown>): Promise<void> {
    if (this.#requestsUnderWay >= REQUESTS_MAX) {
      void this.end(`asked for more than ${String(REQUESTS_MAX)} things at once`);
      return;
    }
    this.#requestsUnderWay++;
    try {
      this.#send({ type: 'reply', id, value: await serve() });
    } catch (error) {
      this.#send({ type: 'reply', id, message: `${what}: ${messageOf(error)}` });
    } finally {
      this.#requestsUnderWay--;
    }
  }

  #resolve(id: number, outcome: CallOutcome): void {
    this.#calls.get(id)?.resolve(outcome);
    this.#calls.delete(id);
  }

  #settle(because: string): void {
    this.#endedBecause = because;
    this.#described.reject(new Error(because));
    const wasAlone = this.#calls.size === 1;
    for (const { resolve } of this.#calls.values()) resolve({ kind: 'ended', message: because, wasAlone });
    this.#calls.clear();
    this.#exited.resolve(true);
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a line is about that a plugin logs; nothing where the call is over already. */
function aboutOf(event: MemoryNotify | undefined): object {
  if (!event) return {};
  const { workflowId, runId, node, blockId, tokens, notifier, action } = event;
  return { workflowId, runId, node, block: memoryBlockName(node, blockId), tokens, notifier, action };
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  try {
    return { fields: JSON.parse(text) as unknown };
  } catch {
    return { fields: text };
  }
}
