/**
 * Runs inside a plugin's worker thread: loads the module, tells the main thread what it is, answers calls.
 *
 * Nothing is caught that the plugin did not do inside `notify`: an unhandled rejection or a throw from a timer ends the
 * thread, which the main thread takes as a crash.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { descriptionOf } from './description-of.ts';
import { ANSWER_LENGTH_MAX } from '../../contract/notifier-answer.ts';
import type { ClusterReader } from '../cluster-reader.ts';
import type { NotifierPlugin, PluginContext, PluginLog } from '../define-plugin.ts';
import type { LeaseWriteResult, NodeLease, NodeLeases } from '../node-leases.ts';
import {
  cutText,
  type ClusterMethod,
  type FromThread,
  type LogLevel,
  type ThreadData,
  type ToThread,
} from './thread-messages.ts';

/** A call logs a handful of lines; a loop that logs is cut off before it floods the operator's log. */
const LOG_LINES_MAX = 100;

if (!parentPort) throw new Error('thread-entry runs in a worker thread only; use createPluginHost');
const port = parentPort;
const requests = new Map<number, PromiseWithResolvers<unknown>>();
let nextRequestId = 0;

const { moduleUrl } = workerData as ThreadData;
const { plugin } = (await import(moduleUrl)) as { plugin?: Partial<NotifierPlugin<unknown>> };
if (!plugin || typeof plugin.notify !== 'function') {
  throw new Error(`${moduleUrl} does not export a plugin; write: export const plugin = definePlugin({ … })`);
}
const notify = plugin.notify.bind(plugin);

port.on('message', (message: ToThread) => {
  if (message.type === 'call') void answer(message);
  else settleRequest(message);
});
send({ type: 'ready', ...descriptionOf(plugin) });

async function answer({ id, event, config, abortAfterMs }: ToThread & { type: 'call' }): Promise<void> {
  const context: PluginContext = { signal: AbortSignal.timeout(abortAfterMs), log: callLog(id), cluster, leases };
  try {
    // Undefined and functions have no JSON; null is refused as an answer just as well.
    const text = (JSON.stringify(await notify(event, config, context)) as string | undefined) ?? 'null';
    if (text.length > ANSWER_LENGTH_MAX) throw new Error(`the answer has ${String(text.length)} characters; say less`);
    send({ type: 'answer', id, answer: text });
  } catch (error) {
    send({ type: 'failed', id, message: cutText(error instanceof Error ? error.message : String(error)) });
  }
}

const cluster: ClusterReader = {
  node: (name) => read('node', name),
  podsOnNode: (name) => read('podsOnNode', name),
  nodeMemoryOnlineBytes: (name) => read('nodeMemoryOnlineBytes', name),
};

const leases: NodeLeases = {
  read: (namespace, node) =>
    request((id) => ({ type: 'leases', id, request: { method: 'read', namespace, node } })) as Promise<
      NodeLease | undefined
    >,
  write: (lease, isDryRun) =>
    request((id) => ({
      type: 'leases',
      id,
      request: { method: 'write', lease, isDryRun },
    })) as Promise<LeaseWriteResult>,
};

function read<Method extends ClusterMethod>(method: Method, node: string): ReturnType<ClusterReader[Method]> {
  return request((id) => ({ type: 'cluster', id, method, node })) as ReturnType<ClusterReader[Method]>;
}

/** Asks the main thread; rejects with what it says instead of a value. */
function request(messageOf: (id: number) => FromThread): Promise<unknown> {
  const id = nextRequestId++;
  const pending = Promise.withResolvers<unknown>();
  send(messageOf(id));
  requests.set(id, pending);
  return pending.promise;
}

function settleRequest({ id, value, message }: ToThread & { type: 'reply' }): void {
  const pending = requests.get(id);
  requests.delete(id);
  if (message === undefined) pending?.resolve(value);
  else pending?.reject(new Error(message));
}

function callLog(id: number): PluginLog {
  let lines = 0;
  const at = (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (lines++ < LOG_LINES_MAX)
      send({ type: 'log', id, level, message: cutText(message), fields: fieldsText(fields) });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** JSON of the fields; left out where they are too long, since half a JSON text is none. */
function fieldsText(fields: Readonly<Record<string, unknown>> | undefined): string {
  const text = JSON.stringify(fields ?? {});
  return cutText(text) === text ? text : '{"fields":"too long"}';
}

function send(message: FromThread): void {
  port.postMessage(message);
}
