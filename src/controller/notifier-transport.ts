/** How the plugin of a MemoryNotifier is reached, from its spec; what cannot work says what to correct. */
import { isReservedTaskQueue } from '../contract/names.ts';
import type { NotifierTransport } from '../contract/notifier.ts';
import type { MemoryNotifierSpec, TaskQueueReference, WebhookReference } from '../contract/resources.ts';
import { isNestedDeeper } from './is-nested-deeper.ts';

/**
 * Longest `plugin.config` as JSON. The chain is part of an operation's history, of which the server takes 2 MiB at a time:
 * CHAIN_LENGTH_MAX in look-again.ts.
 */
const CONFIG_LENGTH_MAX = 32_768;
/**
 * Deepest `plugin.config`. The API server takes 10,000 levels, JSON.stringify and postMessage throw at some 4,000; settings
 * that a person writes have a handful.
 */
const CONFIG_DEPTH_MAX = 64;
const DEFAULT_PATH = '/';
/** The server's partitions of a queue, and other queues of its own. */
const TEMPORAL_QUEUES = '/_sys/';
/** The server's default, limit.maxIDLength; the API server has counted characters. */
const TEMPORAL_NAME_BYTES_MAX = 1000;
const PEM_CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/** `cluster`: whose own task queues no plugin may be asked on. Never throws: the API server has checked less than this. */
export function notifierTransport(spec: MemoryNotifierSpec, cluster: string): NotifierTransport {
  const { plugin, webhook, taskQueue } = spec;
  if (plugin) return pluginTransport(plugin);
  if (webhook) return webhookTransport(webhook);
  if (taskQueue) return taskQueueTransport(taskQueue, cluster);
  return invalid('has none of spec.plugin, spec.webhook and spec.taskQueue; set one');
}

/** For people: who is asked. */
export function describeTransport(transport: NotifierTransport): string {
  switch (transport.kind) {
    case 'plugin':
      return transport.name;
    case 'webhook':
      return transport.url;
    case 'taskQueue':
      return `${transport.taskQueue}/${transport.activity}`;
    case 'invalid':
      return '';
  }
}

function pluginTransport({ name, config = {} }: NonNullable<MemoryNotifierSpec['plugin']>): NotifierTransport {
  if (isNestedDeeper(config, CONFIG_DEPTH_MAX)) {
    return invalid(`spec.plugin.config is nested deeper than the ${String(CONFIG_DEPTH_MAX)} levels that are allowed`);
  }
  const { length } = JSON.stringify(config);
  if (length <= CONFIG_LENGTH_MAX) return { kind: 'plugin', name, config };
  return invalid(`spec.plugin.config has ${String(length)} characters; ${String(CONFIG_LENGTH_MAX)} are allowed`);
}

function webhookTransport({ url, service, caBundle }: WebhookReference): NotifierTransport {
  const address = service
    ? `https://${service.name}.${service.namespace}.svc:${String(service.port)}${service.path ?? DEFAULT_PATH}`
    : (url ?? '');
  const problem = urlProblem(address);
  if (problem !== undefined) return invalid(problem);
  if (caBundle === undefined) return { kind: 'webhook', url: address };
  const pem = Buffer.from(caBundle, 'base64').toString('latin1');
  if (!pem.includes(PEM_CERTIFICATE)) {
    return invalid('spec.webhook.caBundle holds no certificate; it is the base64 of a file in PEM format');
  }
  return { kind: 'webhook', url: address, caBundle: pem };
}

function urlProblem(address: string): string | undefined {
  if (!URL.canParse(address)) return `the webhook's address ${address} is no URL; write https://host:port/path`;
  const { protocol, username, password, hash } = new URL(address);
  if (protocol !== 'https:') return `the webhook's address ${address} is not https; plugins are asked over TLS only`;
  if (username !== '' || password !== '' || hash !== '') {
    return "the webhook's address holds a user, a password or a fragment; leave them out";
  }
  return undefined;
}

/**
 * The operators' own queues take calls that change memory: an object must not be able to make them, nor those of another
 * cluster in the namespace. What the server would refuse is refused here: it fails the workflow task, again and again, while
 * the operation holds its locks.
 */
function taskQueueTransport({ name, activity }: TaskQueueReference, cluster: string): NotifierTransport {
  if (name.startsWith(`${cluster}/`) || isReservedTaskQueue(name)) {
    return invalid(`task queue ${name} is one of the operator's own; name the queue of the plugin's worker`);
  }
  if (name.startsWith(TEMPORAL_QUEUES)) {
    return invalid(`task queue ${name} is one of Temporal's own; name the queue of the plugin's worker`);
  }
  if ([name, activity].some((text) => Buffer.byteLength(text) > TEMPORAL_NAME_BYTES_MAX)) {
    return invalid(
      `spec.taskQueue holds a name of more than ${String(TEMPORAL_NAME_BYTES_MAX)} bytes; choose a shorter one`,
    );
  }
  return { kind: 'taskQueue', taskQueue: name, activity };
}

function invalid(problem: string): NotifierTransport {
  return { kind: 'invalid', problem };
}
