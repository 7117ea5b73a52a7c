/** What crosses the message port between the main thread and a plugin's thread. */
import { Ajv, type JSONSchemaType } from 'ajv';
import { ANSWER_LENGTH_MAX } from '../../contract/notifier-answer.ts';
import type { MemoryNotify } from '../../contract/notifier.ts';
import type { CLUSTER_READER_METHODS } from '../cluster-reader.ts';
import { LEASE_REQUEST, type LeaseRequest } from './lease-request.ts';

/** `workerData` of a plugin's thread. */
export interface ThreadData {
  readonly moduleUrl: string;
}

export type ClusterMethod = (typeof CLUSTER_READER_METHODS)[number];

/** Main thread to plugin thread. */
export type ToThread =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly event: MemoryNotify;
      readonly config: Readonly<Record<string, unknown>>;
      /** When the plugin's signal aborts, counted from now. */
      readonly abortAfterMs: number;
    }
  /** To a `cluster` or `leases` message; `message`: why there is no value. */
  | { readonly type: 'reply'; readonly id: number; readonly value?: unknown; readonly message?: string };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A plugin as its module describes it. */
export interface PluginDescription {
  readonly apiVersion: string;
  readonly name: string;
  readonly description: string;
  /** JSON text. */
  readonly configSchema: string;
  readonly uses: readonly string[];
}

/** Plugin thread to main thread. The plugin can write here too, so nothing of it is trusted before it is parsed. */
export type FromThread =
  | ({ readonly type: 'ready' } & PluginDescription)
  /** `answer` is JSON text: of a plugin's answer only plain data counts. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: string }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'cluster'; readonly id: number; readonly method: ClusterMethod; readonly node: string }
  | { readonly type: 'leases'; readonly id: number; readonly request: LeaseRequest }
  /** `id`: the call in which it was said. */
  | {
      readonly type: 'log';
      readonly id: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: string;
    };

const TEXT_LENGTH_MAX = 4_096;
const SCHEMA_LENGTH_MAX = 65_536;
/** There is one use today. */
const USES_MAX = 16;

const id = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string', maxLength: TEXT_LENGTH_MAX } as const;

const FROM_THREAD = {
  type: 'object',
  discriminator: { propertyName: 'type' },
  required: ['type'],
  oneOf: [
    {
      properties: {
        type: { const: 'ready' },
        apiVersion: text,
        name: text,
        description: text,
        configSchema: { type: 'string', maxLength: SCHEMA_LENGTH_MAX },
        uses: { type: 'array', items: text, maxItems: USES_MAX },
      },
      required: ['apiVersion', 'name', 'description', 'configSchema', 'uses'],
    },
    {
      properties: { type: { const: 'answer' }, id, answer: { type: 'string', maxLength: ANSWER_LENGTH_MAX } },
      required: ['id', 'answer'],
    },
    { properties: { type: { const: 'failed' }, id, message: text }, required: ['id', 'message'] },
    {
      properties: {
        type: { const: 'cluster' },
        id,
        method: { enum: ['node', 'podsOnNode', 'nodeMemoryOnlineBytes'] },
        node: { type: 'string', minLength: 1, maxLength: 253 },
      },
      required: ['id', 'method', 'node'],
    },
    { properties: { type: { const: 'leases' }, id, request: LEASE_REQUEST }, required: ['id', 'request'] },
    {
      properties: {
        type: { const: 'log' },
        id,
        level: { enum: ['debug', 'info', 'warn', 'error'] },
        message: text,
        fields: text,
      },
      required: ['id', 'level', 'message', 'fields'],
    },
  ],
} as unknown as JSONSchemaType<FromThread>;

/** Whether `message` is one that a plugin thread may send. */
export const isFromThread = new Ajv({ discriminator: true, strictTypes: false }).compile(FROM_THREAD);

/** `text` cut to what a message may carry. */
export function cutText(value: string): string {
  return value.length > TEXT_LENGTH_MAX ? `${value.slice(0, TEXT_LENGTH_MAX - 1)}…` : value;
}
