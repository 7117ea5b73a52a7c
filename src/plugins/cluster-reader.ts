/**
 * What a plugin may ask about the cluster: read-only, small, plain data. The process that runs the plugins holds the
 * only Kubernetes client; plugins reach it through this interface, so none of them needs credentials.
 */

/** All methods reject with an Error when the API server gives no answer. */
export interface ClusterReader {
  /** The Node object; undefined when there is none of that name (a simulated node need not have one). */
  node(name: string): Promise<ClusterNode | undefined>;
  /** The pods bound to a node that still count: neither Succeeded nor Failed. Terminating ones are included. */
  podsOnNode(name: string): Promise<readonly ClusterPod[]>;
  /** Bytes of the node's blocks that are online or still going offline; undefined without a NodeMemory that says so. */
  nodeMemoryOnlineBytes(name: string): Promise<number | undefined>;
}

export const CLUSTER_READER_METHODS = [
  'node',
  'podsOnNode',
  'nodeMemoryOnlineBytes',
] as const satisfies readonly (keyof ClusterReader)[];

/** The memory of a Node as its kubelet last reported it. */
export interface ClusterNode {
  readonly name: string;
  readonly capacityBytes: number;
  /** Capacity without what the kubelet keeps for the system, for eviction and for huge pages. */
  readonly allocatableBytes: number;
}

/** A pod's memory requests, container by container. */
export interface ClusterPod {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly ContainerMemory[];
  /** In order of start. */
  readonly initContainers: readonly InitContainerMemory[];
  /** Of the pod's RuntimeClass. */
  readonly overheadBytes: number;
  /** `spec.resources.requests.memory` of the pod itself, where it is set. */
  readonly podRequestBytes?: number;
}

export interface ContainerMemory {
  readonly requestBytes: number;
}

export interface InitContainerMemory extends ContainerMemory {
  /** `restartPolicy: Always`: keeps running beside the containers. */
  readonly isSidecar: boolean;
}
