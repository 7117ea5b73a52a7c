/** Prometheus metrics of the requests to the API server, as client-go names them. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { ApiObserver } from './api-observer.ts';

/** In seconds, those of Kubernetes' own components. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const MS_PER_SECOND = 1000;

export function createApiMetrics(registry: Registry): ApiObserver {
  const registers = [registry];
  const requests = new Counter({
    ...{ name: 'rest_client_requests_total', registers },
    help: 'Number of HTTP requests, by status code, method and host.',
    labelNames: ['code', 'method', 'host'] as const,
  });
  const durations = new Histogram({
    ...{ name: 'rest_client_request_duration_seconds', buckets: BUCKETS, registers },
    help: 'Latency of requests, by verb and host; watches are not in it.',
    labelNames: ['verb', 'host'] as const,
  });
  const restarts = new Counter({
    ...{ name: 'memhp_watch_restarts_total', registers },
    help: 'Watches that ended and were begun again, by kind and reason.',
    labelNames: ['kind', 'reason'] as const,
  });
  return {
    requested(code, method, host, durationMs) {
      requests.inc({ code, method, host });
      if (durationMs !== undefined) durations.observe({ verb: method, host }, durationMs / MS_PER_SECOND);
    },
    watchRestarted: (kind, reason) => {
      restarts.inc({ kind, reason });
    },
  };
}
