/** The one logger of a process: message constant, data in fields; JSON lines, or readable lines on a terminal. */
import winston from 'winston';

export type LogFormat = 'json' | 'text';

export interface LoggerOptions {
  /** Which process speaks: `operator`, `agent`. */
  readonly process: string;
  readonly level?: string;
  readonly format?: LogFormat;
}

/** Writes to standard error, so that standard output stays the program's own. */
export function createLogger({ process: name, level = 'info', format = 'json' }: LoggerOptions): winston.Logger {
  const { combine, timestamp, json, printf, errors } = winston.format;
  const text = printf(({ timestamp: time, level: severity, message, ...fields }) => {
    const data = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
    return `${String(time)} ${severity.toUpperCase()} ${String(message)}${data}`;
  });
  return winston.createLogger({
    level,
    defaultMeta: { process: name },
    format: combine(timestamp(), errors({ stack: true }), format === 'json' ? json() : text),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
    transports: [new winston.transports.Console({ stderrLevels: Object.keys(winston.config.npm.levels) })],
  });
}
