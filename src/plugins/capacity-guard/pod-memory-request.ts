import type { ClusterPod } from '../cluster-reader.ts';

/**
 * The memory that the scheduler counts for a pod, in bytes: the larger of what runs in the end and what any moment of
 * its start needs, or what the pod itself requests, plus overhead.
 * Source: Kubernetes, "Sidecar containers: resource sharing within containers", "Pod overhead", "Pod-level resources".
 */
export function podMemoryRequestBytes(pod: ClusterPod): number {
  return (pod.podRequestBytes ?? containersRequestBytes(pod)) + pod.overheadBytes;
}

function containersRequestBytes({ containers, initContainers }: ClusterPod): number {
  let sidecarBytes = 0;
  let startBytes = 0;
  for (const { requestBytes, isSidecar } of initContainers) {
    startBytes = Math.max(startBytes, sidecarBytes + requestBytes);
    if (isSidecar) sidecarBytes += requestBytes;
  }
  const runBytes = containers.reduce((sum, { requestBytes }) => sum + requestBytes, sidecarBytes);
  return Math.max(startBytes, runBytes);
}
