/** Temporal's Runtime of this process: its logs come out of winston, its metrics are read over loopback. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogLevel,
  type MetricsExporterConfig,
  type RuntimeOptions,
} from '@temporalio/worker';
import type winston from 'winston';
import { sdkLogFields } from './sdk-log-fields.ts';
import { noteWorkerFailure } from './worker-failures.ts';

export interface InstalledRuntime {
  /** The runtime ends with its last connection; where none was made, this ends it, and until then the process lives. */
  shutdown(): Promise<void>;
}

export interface MeasuredRuntime extends InstalledRuntime {
  /** The SDK's own metrics in Prometheus' text format. */
  metrics(): Promise<string>;
}

const LEVELS: Readonly<Record<LogLevel, string>> = {
  TRACE: 'silly',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};
/** Said as a warning for each node of an agent, whose workers have no workflows on purpose. */
const NO_WORKFLOWS = 'No workflows registered, not polling for workflow tasks';
/** A port that was free a moment ago may be taken by the time that the Runtime listens on it; hardly ever twice. */
const PORT_ATTEMPTS = 5;
/** Over loopback it takes a millisecond; Prometheus gives up after 10 s. */
const SCRAPE_TIMEOUT_MS = 3_000;

/**
 * Must be called once, before any connection or worker is made. The process keeps its own signal handlers: it shuts its
 * parts down in its own order.
 */
export function installRuntime(log: winston.Logger): InstalledRuntime {
  const runtime = Runtime.install(optionsOf(log));
  return { shutdown: () => runtime.shutdown() };
}

/** As `installRuntime`, with the SDK's metrics. The SDK serves them on a port of 127.0.0.1 that is chosen anew each time. */
export async function installMeasuredRuntime(log: winston.Logger): Promise<MeasuredRuntime> {
  const { runtime, url } = await installMeasured(optionsOf(log));
  return {
    shutdown: () => runtime.shutdown(),
    metrics: () => scrapeSdk(url),
  };
}

/** Rejects unless they are metrics: an error page would make the whole scrape unreadable. */
export async function scrapeSdk(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) });
  if (response.ok) return response.text();
  await response.body?.cancel();
  throw new Error(`the metrics of Temporal's SDK answered ${String(response.status)}`);
}

function optionsOf(log: winston.Logger): RuntimeOptions {
  const filter = makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' });
  return {
    logger: loggerBehind(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter, forward: {} } },
  };
}

/** The Runtime tells its metrics on a port of its own and cannot say which one it got, so it is given one. */
async function installMeasured(options: RuntimeOptions): Promise<{ runtime: Runtime; url: string }> {
  for (let attempt = 1; ; attempt++) {
    const bindAddress = `127.0.0.1:${String(await freePort())}`;
    const metrics: MetricsExporterConfig = {
      prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
    };
    try {
      const telemetryOptions = { ...options.telemetryOptions, metrics };
      return { runtime: Runtime.install({ ...options, telemetryOptions }), url: `http://${bindAddress}/metrics` };
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The SDK holds lines back for 100 ms to sort them; each says when it was written. */
export function loggerBehind(log: winston.Logger): DefaultLogger {
  const level: LogLevel = log.isDebugEnabled() ? 'DEBUG' : 'INFO';
  return new DefaultLogger(level, ({ level: severity, message, meta, timestampNanos }) => {
    noteWorkerFailure(message, meta);
    const timestamp = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    log.log(message === NO_WORKFLOWS ? 'debug' : LEVELS[severity], message, { timestamp, ...sdkLogFields(meta) });
  });
}
