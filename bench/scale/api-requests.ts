/** How many requests the API server has answered, as it counts them itself. */
import type { KubeConfig } from '@kubernetes/client-node';
import { createConfiguration, HttpMethod, ServerConfiguration } from '@kubernetes/client-node';

/** Requests by verb and resource, such as `APPLY memoryblocks/status`. */
export type RequestCounts = Readonly<Record<string, number>>;

/** What operators, agents and this benchmark ask for; the rest is the API server talking to itself. */
const RESOURCES: ReadonlySet<string> = new Set([
  'memoryblocks',
  'nodememories',
  'memorynotifiers',
  'events',
  'nodes',
  'pods',
]);
const METRIC = 'apiserver_request_total';

export async function readRequestCounts(kubeConfig: KubeConfig): Promise<RequestCounts> {
  const server = new ServerConfiguration(kubeConfig.getCurrentCluster()?.server ?? '', {});
  const context = server.makeRequestContext('/metrics', HttpMethod.GET);
  await kubeConfig.applySecurityAuthentication(context);
  const response = await createConfiguration().httpApi.send(context).toPromise();
  return parseRequestCounts(await response.body.text());
}

/** From Prometheus' text format. */
export function parseRequestCounts(metrics: string): RequestCounts {
  const counts: Record<string, number> = {};
  for (const line of metrics.split('\n')) {
    const [, text = '', value = ''] = new RegExp(`^${METRIC}\\{(.*)\\} (\\S+)$`).exec(line) ?? [];
    const labels = new Map([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', label = '']) => [key, label]));
    const [verb = '', resource = '', subresource = ''] = ['verb', 'resource', 'subresource'].map((key) =>
      labels.get(key),
    );
    if (!RESOURCES.has(resource)) continue;
    const what = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
    counts[what] = (counts[what] ?? 0) + Number(value);
  }
  return counts;
}

/** Those that came since `earlier`; what has not changed is left out. */
export function requestsSince(earlier: RequestCounts, later: RequestCounts): RequestCounts {
  const changes = Object.entries(later).map(([what, count]) => [what, count - (earlier[what] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, count]) => count > 0));
}

/** A watch is counted when it ends: it is what an idle cluster is expected to have. */
export function withoutWatches(counts: RequestCounts): RequestCounts {
  return Object.fromEntries(Object.entries(counts).filter(([what]) => !what.startsWith('WATCH ')));
}

export function sumOf(counts: RequestCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
