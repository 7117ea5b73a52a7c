/** What an agent tells of the driver steps that it carried out: a line of the log each, and figures for Prometheus. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { DriverCall, DriverResult } from '../contract/driver.ts';
import { stepFields } from '../contract/step-fields.ts';
import type { Log } from '../controller/cluster.ts';

export type ReportStep = (call: DriverCall, result: DriverResult, durationMs: number) => void;

/** In seconds: a write to sysfs takes a millisecond, the migration of a block's pages up to a day. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];
const MS_PER_SECOND = 1000;

export function createStepReports(registry: Registry, log: Log): ReportStep {
  const registers = [registry];
  const steps = new Counter({
    ...{ name: 'memhp_driver_steps_total', help: 'Driver steps, by operation, step and result: ok, or the errno.' },
    ...{ labelNames: ['operation', 'step', 'result'] as const, registers },
  });
  const durations = new Histogram({
    ...{ name: 'memhp_driver_step_duration_seconds', help: 'How long a driver step took.' },
    ...{ labelNames: ['operation', 'step'] as const, buckets: BUCKETS, registers },
  });
  return (call, result, durationMs) => {
    const { operation, step } = call;
    steps.inc({ operation, step, result: result.ok ? 'ok' : result.errno });
    durations.observe({ operation, step }, durationMs / MS_PER_SECOND);
    log.info('driver step', { ...stepFields(call, result), durationMs: Math.round(durationMs) });
  };
}
