/**
 * Reads what another workflow, or whoever else may signal, has sent: by hand, because it must also work in the workflow
 * sandbox. A handler that fails would fail its workflow task, again and again; so nothing here throws because of `value`.
 */
import type { LockHolder } from '../kernel/lock.ts';

/** Why a value is not what it should be. */
export interface Malformed {
  readonly malformed: string;
}

/** What a reader gives up with; it never leaves `understood`. */
class NotUnderstood extends Error {}

type Fields = Readonly<Record<string, unknown>>;
/** Reads one field, whose `name` is for the message about it. */
export type Read<T> = (value: unknown, name: string) => T;

/** Workflow ids may be so long on the server, in bytes of UTF-8. */
const WORKFLOW_ID_BYTES_MAX = 1000;
/** As the server writes run ids. It takes no other as the address of a signal, and the task that tries it fails. */
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What `read` makes of `value`. Null counts as unset, which some languages write for it; unknown fields are left out. */
export function understood<T extends object>(value: unknown, read: Read<T>): T | Malformed {
  try {
    return read(value, 'it');
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { malformed: error.message };
  }
}

export function fields(value: unknown, name: string): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : giveUp(name, 'an object');
}

/**
 * A string of at most `lengthMax` characters. A lone surrogate cannot be written as UTF-8: in an address, or in the reason of
 * a refusal, it would end the worker.
 */
export function text(lengthMax: number): Read<string> {
  return (value, name) =>
    typeof value === 'string' && value.length <= lengthMax && value.isWellFormed()
      ? value
      : giveUp(name, `a string of at most ${String(lengthMax)} characters`);
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Read<Word> {
  return (value, name) => words.find((word) => word === value) ?? giveUp(name, words.join(' or '));
}

export function flag(value: unknown, name: string): boolean {
  return typeof value === 'boolean' ? value : giveUp(name, 'true or false');
}

/** A whole number that is not negative. */
export function count(value: unknown, name: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : giveUp(name, 'a whole number');
}

/** A number, of anything, that is not negative. */
export function amount(value: unknown, name: string): number {
  return Number.isFinite(value) && (value as number) >= 0 ? (value as number) : giveUp(name, 'a number from 0');
}

export function list<T>(read: Read<T>, lengthMax: number): Read<readonly T[]> {
  return (value, name) =>
    Array.isArray(value) && value.length <= lengthMax
      ? value.map((item: unknown) => read(item, `an item of ${name}`))
      : giveUp(name, `a list of at most ${String(lengthMax)}`);
}

/** `{ [name]: … }`, or nothing where it is unset. */
export function optional<const Name extends string, T>(
  from: Fields,
  name: Name,
  read: Read<T>,
): Readonly<Partial<Record<Name, T>>> {
  const value = from[name];
  const isSet = value !== undefined && value !== null;
  return (isSet ? { [name]: read(value, name) } : {}) as Partial<Record<Name, T>>;
}

/** A workflow run that can be signalled, should it exist. */
export function holder(value: unknown, name: string): LockHolder {
  const from = fields(value, name);
  const workflowId = text(WORKFLOW_ID_BYTES_MAX)(from['workflowId'], `${name}.workflowId`);
  const runId = text(WORKFLOW_ID_BYTES_MAX)(from['runId'], `${name}.runId`);
  const bytes = encodeURIComponent(workflowId).replaceAll(/%../g, '.').length;
  if (bytes === 0 || bytes > WORKFLOW_ID_BYTES_MAX) return giveUp(`${name}.workflowId`, 'a workflow id');
  return RUN_ID.test(runId) ? { workflowId, runId } : giveUp(`${name}.runId`, 'a run id');
}

function giveUp(name: string, expected: string): never {
  throw new NotUnderstood(`${name} must be ${expected}`);
}
