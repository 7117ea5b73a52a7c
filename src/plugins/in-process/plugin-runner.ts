import { performance } from 'node:perf_hooks';
import { parseAnswer } from '../../contract/notifier-answer.ts';
import type { MemoryNotify, NotifierReply } from '../../contract/notifier.ts';

import { PluginThread, type CallOutcome, type PluginServices } from './plugin-thread.ts';

/**
 * Keeps one plugin's thread: starts it at the first call, keeps it warm, replaces it when it ended.
 *
 * All calls of a plugin share its thread, so one that loops or crashes takes the others with it. The call that timed
 * out, or was alone when the thread died, is answered with an error. The others are innocent, or may be: each is asked
 * once more on a fresh thread within what is left of its own timeout, and gets the error if that thread dies as well.
 */
export class PluginRunner {
  readonly #name: string;
  readonly #moduleUrl: string;
  readonly #services: PluginServices;
  #thread: PluginThread | undefined;
  #isClosed = false;

  constructor(name: string, moduleUrl: string, services: PluginServices) {
    this.#name = name;
    this.#moduleUrl = moduleUrl;
    this.#services = services;
  }

  async call(
    event: MemoryNotify,
    config: Readonly<Record<string, unknown>>,
    timeoutMs: number,
  ): Promise<NotifierReply> {
    const expiresMs = performance.now() + timeoutMs;
    let outcome = await this.#ask(event, config, timeoutMs);
    if (outcome.kind === 'ended' && !outcome.wasAlone) {
      outcome = await this.#ask(event, config, Math.max(0, expiresMs - performance.now()));
    }
    return this.#replyOf(outcome, timeoutMs);
  }

  /** Ends the thread; calls under way get an error. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.end('was ended: the operator shuts down');
  }

  async #ask(event: MemoryNotify, config: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<CallOutcome> {
    if (this.#isClosed) return { kind: 'failed', message: 'the operator shuts down; the call is repeated elsewhere' };
    if (!this.#thread || this.#thread.hasEnded) this.#thread = new PluginThread(this.#moduleUrl, this.#services);
    return this.#thread.call(event, config, timeoutMs);
  }

  #replyOf(outcome: CallOutcome, timeoutMs: number): NotifierReply {
    switch (outcome.kind) {
      case 'answered':
        return this.#named(parseAnswer(parseJson(outcome.text)));
      case 'failed':
        return this.#named({ kind: 'error', message: `failed: ${outcome.message}` });
      case 'timed-out':
        return this.#named({ kind: 'error', message: `timed out after ${seconds(timeoutMs)}`, timedOut: true });
      case 'ended':
        return this.#named({ kind: 'error', message: outcome.message });
    }
  }

  #named(reply: NotifierReply): NotifierReply {
    return reply.kind === 'error' ? { ...reply, message: `plugin ${this.#name} ${reply.message}` } : reply;
  }
}

/** The text itself where it is no JSON, since a plugin can write to the port itself: nonsense is quoted. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function seconds(ms: number): string {
  return `${String(Math.round(ms / 100) / 10)} s`;
}
