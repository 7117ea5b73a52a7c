/** Temporal's runtime for tests: installed once per process, quiet unless MEMHP_LOG_LEVEL says otherwise. */
import type winston from 'winston';
import { createLogger } from '../../src/process/create-logger.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';

let log: winston.Logger | undefined;

export function installTestRuntime(): winston.Logger {
  if (!log) {
    log = createLogger({ process: 'test', level: process.env['MEMHP_LOG_LEVEL'] ?? 'error', format: 'text' });
    installRuntime(log);
  }
  return log;
}
