/** Who is told of the requests that are made to an API server. */
import type { KubeConfig } from '@kubernetes/client-node';

/** `closed`: by the server, or after a silence; `expired`: events were missed; `failed`: everything else. */
export type WatchRestart = 'closed' | 'expired' | 'failed';

export interface ApiObserver {
  /** `code`: of the answer; `<error>` when there was none. `durationMs`: unset for a watch, which has no end. */
  requested(code: string, method: string, host: string, durationMs?: number): void;
  watchRestarted(kind: string, reason: WatchRestart): void;
}

const observers = new WeakMap<KubeConfig, ApiObserver>();

/** `observer` is told of everything that goes through `kubeConfig` from now on: one for each. */
export function observeApi(kubeConfig: KubeConfig, observer: ApiObserver): void {
  observers.set(kubeConfig, observer);
}

export function observerOf(kubeConfig: KubeConfig): ApiObserver | undefined {
  return observers.get(kubeConfig);
}

/** Tells of one request: `code` 0 where no answer came. */
export function tellRequest(kubeConfig: KubeConfig, method: string, code: number, durationMs?: number): void {
  const observer = observers.get(kubeConfig);
  if (!observer) return;
  const host = hostOf(kubeConfig.getCurrentCluster()?.server);
  observer.requested(code === 0 ? '<error>' : String(code), method, host, durationMs);
}

function hostOf(server = ''): string {
  return URL.canParse(server) ? new URL(server).host : server;
}
