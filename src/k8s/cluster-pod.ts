import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { parseBytes } from '../contract/quantity.ts';
import type { ClusterPod } from '../plugins/cluster-reader.ts';

/** The memory requests of a pod as the API server has it. */
export function clusterPodOf(pod: V1Pod): ClusterPod {
  const { spec, status, metadata } = pod;
  const podRequest = spec?.resources?.requests?.['memory'];
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    containers: (spec?.containers ?? []).map((container) => ({
      requestBytes: requestBytesOf(container, status?.containerStatuses),
    })),
    initContainers: (spec?.initContainers ?? []).map((container) => ({
      requestBytes: requestBytesOf(container, status?.initContainerStatuses),
      isSidecar: container.restartPolicy === 'Always',
    })),
    overheadBytes: parseBytes(spec?.overhead?.['memory'] ?? '0'),
    ...(podRequest !== undefined && { podRequestBytes: parseBytes(podRequest) }),
  };
}

/** While a container is resized in place the largest counts: of what is wanted, promised by the kubelet, and in force. */
function requestBytesOf(container: V1Container, statuses: readonly V1ContainerStatus[] | undefined): number {
  const status = statuses?.find(({ name }) => name === container.name);
  const requests = [
    container.resources?.requests?.['memory'],
    status?.allocatedResources?.['memory'],
    status?.resources?.requests?.['memory'],
  ];
  return Math.max(...requests.map((quantity) => parseBytes(quantity ?? '0')));
}
