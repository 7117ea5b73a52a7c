/** The one logger of a process: message constant, data in fields; JSON lines, or readable lines on a terminal. */
import { configure } from 'safe-stable-stringify';
import winston from 'winston';

export type LogFormat = 'json' | 'text';

export interface LoggerOptions {
  /** Which process speaks: `operator`, `agent`. */
  readonly process: string;
  readonly level?: string;
  readonly format?: LogFormat;
}

/** Where a stack trace tells more than it takes room. */
const WITH_STACK: ReadonlySet<string> = new Set(['error', 'debug', 'silly']);

/** As winston's own for JSON lines: a value that refers to itself or is a BigInt is told too. Fields keep their order. */
const stringify = configure({ deterministic: false });

/**
 * Writes to standard error, so that standard output stays the program's own. A field `error` may be whatever was thrown:
 * it becomes the error's message, with `stack` beside it on lines of level error or debug. Fields are in docs/logging.md.
 */
export function createLogger({ process: name, level = 'info', format = 'json' }: LoggerOptions): winston.Logger {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp: time, level: severity, message, ...fields }) => {
    const data = Object.keys(fields).length > 0 ? ` ${textOf(fields)}` : '';
    return `${String(time)} ${severity.toUpperCase()} ${String(message)}${data}`;
  });
  return winston.createLogger({
    level,
    defaultMeta: { process: name },
    format: combine(timestamp(), errorAsFields(), format === 'json' ? json() : text),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
    transports: [new winston.transports.Console({ stderrLevels: Object.keys(winston.config.npm.levels) })],
  });
}

const errorAsFields = winston.format((line) => {
  const { error } = line;
  if (error === undefined || typeof error === 'string') return line;
  if (!(error instanceof Error)) return { ...line, error: textOf(error) };
  const isDetailed = WITH_STACK.has(line.level) && error.stack !== undefined;
  // The symbols of winston's line are among what is spread.
  return { ...line, error: error.message || error.name, ...(isDetailed ? { stack: error.stack } : {}) };
});

/** Whatever it is, writing it to the log must not fail: the line is about another failure. */
function textOf(value: unknown): string {
  try {
    return stringify(value) ?? String(value);
  } catch {
    return `a value of type ${typeof value} that cannot be shown`;
  }
}
