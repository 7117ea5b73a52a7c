/** Reads what a plugin answered: by hand, because it must also work in the workflow sandbox, where ajv does not. */
import { parseErrno } from '../kernel/errno.ts';
import type { NotifierAnswer, NotifierReply } from './notifier.ts';

/** A reason is part of an event's note, which holds 1024 bytes; the rest is for the plugin's name and the action. */
export const REASON_LENGTH_MAX = 800;
/** Longest answer as JSON: a sentence and a few words; 16 KiB is ten times the longest reason that is kept. */
export const ANSWER_LENGTH_MAX = 16_384;
const RETRY_AFTER_SECONDS_MAX = 86_400;
/** Of nonsense, in the message about it. */
const QUOTE_LENGTH_MAX = 200;

/** Of what was not understood of a veto, in its reason: a quote and two sentences; as much is left for the reason itself. */
const NOTE_LENGTH_MAX = 400;
/** How that begins. */
const NOTE = 'of this veto was not understood:';

interface Field {
  /** Undefined: cannot be understood. */
  readonly read: (value: unknown) => unknown;
  readonly expected: string;
}

function oneOf(words: readonly string[]): Field {
  return { read: (value) => words.find((word) => word === value), expected: `must be one of ${words.join(', ')}` };
}

const FIELDS: Readonly<Record<keyof NotifierAnswer, Field>> = {
  result: oneOf(['NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP', 'NOTIFY_BAD']),
  errno: {
    read: (value) => (typeof value === 'string' ? parseErrno(value) : undefined),
    expected: 'must be the name of an errno, as EBUSY',
  },
  reason: { read: (value) => (typeof value === 'string' ? value : undefined), expected: 'must be a string' },
  retryAfterSeconds: {
    read: (value) => (typeof value === 'number' && Number.isFinite(value) ? wholeSeconds(value) : undefined),
    expected: 'must be a number',
  },
  outlook: oneOf(['Deferred', 'Infeasible']),
};

interface ReadAnswer {
  readonly understood: Readonly<Partial<NotifierAnswer>>;
  readonly rest: Readonly<Record<string, unknown>>;
  /** Why the rest is not understood; empty where nothing is left. */
  readonly problems: readonly string[];
}

/**
 * The reply that an answer is.
 *
 * NOTIFY_BAD is a veto whatever stands beside it: what is not understood is left out, and named in the reason. Without
 * NOTIFY_BAD everything must be understood: an unknown field, or an errno, is a mistake of the author's who may have
 * meant a veto, so the answer is an error that quotes it. Null counts as unset, which some languages write for it.
 */
export function parseAnswer(value: unknown): NotifierReply {
  const fields = withoutNulls(value);
  if (!fields) return nonsense(value, 'not an object');
  const read = readFields(fields);
  const { result, errno } = read.understood;
  if (result === 'NOTIFY_BAD') return { kind: 'answer', answer: { ...read.understood, result, ...reasonOf(read) } };
  const [problem = errno === undefined ? undefined : 'errno belongs to NOTIFY_BAD'] = read.problems;
  if (result === undefined || problem !== undefined) return nonsense(value, problem ?? 'has no result');
  return { kind: 'answer', answer: { ...read.understood, result, ...reasonOf(read) } };
}

/** Whether something of a veto with this `reason` was not understood. */
export function tellsMistake(reason: string): boolean {
  return reason.includes(NOTE);
}

function readFields(fields: Readonly<Record<string, unknown>>): ReadAnswer {
  const understood: [string, unknown][] = [];
  const rest: [string, unknown][] = [];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof NotifierAnswer] : undefined;
    const read = field?.read(value);
    if (read !== undefined) {
      understood.push([name, read]);
      continue;
    }
    rest.push([name, value]);
    problems.push(`${name} ${field?.expected ?? 'is not a field of an answer'}`);
  }
  return { understood: Object.fromEntries(understood), rest: Object.fromEntries(rest), problems };
}

function reasonOf({ understood: { reason }, rest, problems }: ReadAnswer): Pick<NotifierAnswer, 'reason'> {
  if (problems.length === 0) return reason === undefined ? {} : { reason: shortReason(reason) };
  const note = cut(`${NOTE} ${quote(rest)}: ${problems.join('; ')}`, NOTE_LENGTH_MAX);
  return { reason: reason === undefined ? note : `${cut(reason, REASON_LENGTH_MAX - note.length - 3)} (${note})` };
}

/** Rounded up, and brought into the range that a block waits at all. */
function wholeSeconds(seconds: number): number {
  return Math.min(RETRY_AFTER_SECONDS_MAX, Math.max(1, Math.ceil(seconds)));
}

function nonsense(value: unknown, problem: string): NotifierReply {
  return {
    kind: 'error',
    message: `answered nonsense: ${quote(value)} (${problem}); an answer is { result, errno, reason, retryAfterSeconds, outlook }`,
  };
}

function withoutNulls(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== undefined));
}

/** As much of a reason as fits where it is shown. */
export function shortReason(reason: string): string {
  return cut(reason, REASON_LENGTH_MAX);
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

function quote(value: unknown): string {
  const text = jsonOf(value);
  return text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text;
}

/** What is nested deeper than the stack can be read as JSON, but not written. */
function jsonOf(value: unknown): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text ?? 'nothing';
  } catch {
    return 'something too deeply nested to show';
  }
}
