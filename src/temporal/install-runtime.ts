/** Puts winston behind Temporal's Runtime logger: worker, workflow and native core logs come out as one stream. */
import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import type winston from 'winston';

const LEVELS: Readonly<Record<LogLevel, string>> = {
  TRACE: 'silly',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Must be called once, before any connection or worker is made. The process keeps its own signal handlers: it shuts its
 * parts down in its own order. The runtime ends with its last connection; where none was made, `shutdown` ends it, and
 * until then the process does not end by itself.
 */
export function installRuntime(log: winston.Logger): { readonly shutdown: () => Promise<void> } {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    const { error, ...fields } = (meta ?? {}) as Record<string, unknown>;
    log.log(LEVELS[level], message, { ...fields, ...(error instanceof Error ? { error: error.message } : {}) });
  });
  const runtime = Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
  });
  return { shutdown: () => runtime.shutdown() };
}
