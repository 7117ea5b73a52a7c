/**
 * Runs inside a plugin's worker thread: loads the module, tells the main thread what it is, answers calls.
 *
 * Nothing is caught that the plugin did not do inside `notify`: an unhandled rejection or a throw from a timer ends the
 * thread, which the main thread takes as a crash.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ClusterReader } from '../cluster-reader.ts';
import type { NotifierPlugin, PluginContext, PluginLog } from '../define-plugin.ts';
import {
  ANSWER_LENGTH_MAX,
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
const reads = new Map<number, PromiseWithResolvers<unknown>>();
let nextReadId = 0;

const { moduleUrl } = workerData as ThreadData;
const { plugin } = (await import(moduleUrl)) as { plugin?: Partial<NotifierPlugin<unknown>> };
if (!plugin || typeof plugin.notify !== 'function') {
  throw new Error(`${moduleUrl} does not export a plugin; write: export const plugin = definePlugin({ … })`);
}
const notify = plugin.notify.bind(plugin);

port.on('message', (message: ToThread) => {
  if (message.type === 'call') void answer(message);
  else settleRead(message);
});
send({
  type: 'ready',
  apiVersion: Number(plugin.apiVersion),
  name: String(plugin.name),
  description: String(plugin.description),
  configSchema: JSON.stringify(plugin.configSchema ?? null),
});

async function answer({ id, event, config, abortAfterMs }: ToThread & { type: 'call' }): Promise<void> {
  const context: PluginContext = { signal: AbortSignal.timeout(abortAfterMs), log: callLog(), cluster };
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

function read<Method extends ClusterMethod>(method: Method, node: string): ReturnType<ClusterReader[Method]> {
  const id = nextReadId++;
  const pending = Promise.withResolvers<unknown>();
  reads.set(id, pending);
  send({ type: 'cluster', id, method, node });
  return pending.promise as ReturnType<ClusterReader[Method]>;
}

function settleRead({ id, value, message }: ToThread & { type: 'cluster' }): void {
  const pending = reads.get(id);
  reads.delete(id);
  if (message === undefined) pending?.resolve(value);
  else pending?.reject(new Error(message));
}

function callLog(): PluginLog {
  let lines = 0;
  const at = (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (lines++ < LOG_LINES_MAX) send({ type: 'log', level, message: cutText(message), fields: fieldsText(fields) });
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
