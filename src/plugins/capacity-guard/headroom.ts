import type { NotifierAnswer } from '../../contract/notifier.ts';
import type { ClusterNode, ClusterPod } from '../cluster-reader.ts';
import { done, ok, veto } from '../define-plugin.ts';
import { podMemoryRequestBytes } from './pod-memory-request.ts';

/** So many pods are named; with names of usual length the sentence fits an event's 1 KiB. */
const PODS_NAMED_MAX = 5;

/** What the decision rests on; everything in bytes. */
export interface Headroom {
  readonly nodeName: string;
  readonly blockId: number;
  /** Of the block that goes. */
  readonly sizeBytes: number;
  /** To be left free on top of the requests. */
  readonly reserveBytes: number;
  readonly node?: ClusterNode;
  /** Of NodeMemory; what is really online, whatever the kubelet last said. */
  readonly onlineBytes?: number;
  readonly pods: readonly ClusterPod[];
}

/** Vetoes (EBUSY, Deferred) when the requests of the node's pods would no longer fit into what stays. */
export function decideOffline(headroom: Headroom): NotifierAnswer {
  const nowBytes = usableBytes(headroom);
  if (nowBytes === undefined) {
    return done(`neither a Node nor a NodeMemory tells how much memory ${headroom.nodeName} has`);
  }
  const leftBytes = nowBytes - headroom.sizeBytes - headroom.reserveBytes;
  const requests = headroom.pods
    .map((pod) => ({ pod: `${pod.namespace}/${pod.name}`, bytes: podMemoryRequestBytes(pod) }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes || (a.pod < b.pod ? -1 : 1));
  const requestedBytes = requests.reduce((sum, { bytes }) => sum + bytes, 0);
  if (requestedBytes <= leftBytes) return ok(`${readable(leftBytes)} stay for ${readable(requestedBytes)} of requests`);
  const block = `memory${String(headroom.blockId)} (${readable(headroom.sizeBytes)})`;
  const reserve = headroom.reserveBytes > 0 ? ` after the reserve of ${readable(headroom.reserveBytes)}` : '';
  return veto(
    'EBUSY',
    `without ${block} ${headroom.nodeName} has ${readable(leftBytes)} left${reserve}, ` +
      `less than the ${readable(requestedBytes)} that its pods request${namePods(requests)}`,
    { outlook: 'Deferred' },
  );
}

/**
 * What pods may use of the node as it is now. A kubelet that was not restarted since a block went offline still reports
 * it, so what is really online is a ceiling for the capacity; the kubelet's reservations come off either way.
 */
function usableBytes({ node, onlineBytes }: Headroom): number | undefined {
  if (!node) return onlineBytes;
  const reservedBytes = node.capacityBytes - node.allocatableBytes;
  return Math.min(node.capacityBytes, onlineBytes ?? Infinity) - reservedBytes;
}

function namePods(requests: readonly { pod: string; bytes: number }[]): string {
  const named = requests.slice(0, PODS_NAMED_MAX).map(({ pod, bytes }) => `${pod} ${readable(bytes)}`);
  const others = requests.length - named.length;
  if (named.length === 0) return '';
  return `: ${named.join(', ')}${others > 0 ? ` and ${String(others)} more` : ''}`;
}

/** For people: rounded to a tenth of a unit. */
function readable(bytes: number): string {
  const [unit, scale] = Math.abs(bytes) >= 2 ** 30 ? ['Gi', 2 ** 30] : ['Mi', 2 ** 20];
  return `${String(Math.round((bytes / scale) * 10) / 10)}${unit}`;
}
