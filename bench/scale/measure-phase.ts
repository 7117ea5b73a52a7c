/** What a stretch of time cost: the clock, each process, and the API server. */
import type { KubeConfig } from '@kubernetes/client-node';
import { readRequestCounts, requestsSince, type RequestCounts } from './api-requests.ts';
import { readUsage, usedSince, type ProcessUsage, type RunningProcess } from './process-usage.ts';

export interface PhaseCost {
  readonly seconds: number;
  readonly processes: readonly ProcessUsage[];
  readonly requests: RequestCounts;
}

export interface Observed {
  readonly kubeConfig: KubeConfig;
  /** Those that run now. */
  readonly processes: () => readonly RunningProcess[];
}

/** Runs `phase` and says what it cost. */
export async function measurePhase(
  { kubeConfig, processes }: Observed,
  phase: () => Promise<void>,
): Promise<PhaseCost> {
  const [usage, requests] = await Promise.all([readAll(processes()), readRequestCounts(kubeConfig)]);
  const startedMs = performance.now();
  await phase();
  const seconds = (performance.now() - startedMs) / 1000;
  const [usageAfter, requestsAfter] = await Promise.all([readAll(processes()), readRequestCounts(kubeConfig)]);
  return {
    seconds,
    processes: usedSince(usage, usageAfter),
    requests: requestsSince(requests, requestsAfter),
  };
}

function readAll(processes: readonly RunningProcess[]): Promise<readonly ProcessUsage[]> {
  return Promise.all(processes.map(readUsage));
}
