/** The servers, and the tools beside them, that the demo and the tests run: which versions, and how each is built from Go modules. */

export type ToolName =
  | 'coredns'
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-proxy'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kubelet'
  | 'lock-checker'
  | 'pause'
  | 'temporal';

export interface Tool {
  readonly name: ToolName;
  /** Environment variable that names an executable to use instead; trusted as it is. */
  readonly envVariable: string;
  /** Version that the pinned Go module builds; part of the cache path. */
  readonly version: string;
  /** Folder of the pinned Go module. */
  readonly moduleDirectory: string;
  readonly goPackage: string;
  readonly ldflags: string;
  /** Arguments that make the executable print its version. */
  readonly versionArguments: readonly string[];
  /** Finds the version, as `major.minor`, in what that prints. */
  readonly versionPattern: RegExp;
  /** Oldest version on PATH that is good enough, as `major.minor`, and why. */
  readonly minimumVersion: string;
}

const KUBERNETES_VERSION = 'v1.37.2';

// Without these the API server says that it is v0.0.0, and its defaults by emulated version go wrong.
const KUBERNETES_LDFLAGS = [
  '-s -w',
  `-X k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`,
  '-X k8s.io/component-base/version.gitMajor=1',
  '-X k8s.io/component-base/version.gitMinor=37',
  '-X k8s.io/component-base/version.gitTreeState=clean',
  `-X k8s.io/client-go/pkg/version.gitVersion=${KUBERNETES_VERSION}`,
].join(' ');

/** A server of Kubernetes that says its version as kube-apiserver does. */
function kubernetesServer(name: ToolName, minimumVersion: string): Tool {
  return {
    name,
    envVariable: `MEMHP_${name.toUpperCase().replaceAll('-', '_')}`,
    version: KUBERNETES_VERSION,
    moduleDirectory: 'tools/kubernetes',
    goPackage: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: KUBERNETES_LDFLAGS,
    versionArguments: ['--version'],
    versionPattern: /Kubernetes v(\d+\.\d+)/,
    minimumVersion,
  };
}

/** On PATH: kubelet may not be newer than the API server, nor the others far from it, so only what is built together. */
const SAME_KUBERNETES = '1.37';

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  coredns: {
    name: 'coredns',
    envVariable: 'MEMHP_COREDNS',
    version: 'v1.15.0',
    moduleDirectory: 'tools/coredns',
    goPackage: 'github.com/coredns/coredns',
    ldflags: '-s -w',
    versionArguments: ['-version'],
    versionPattern: /CoreDNS-(\d+\.\d+)/,
    minimumVersion: '1.9', // its kubernetes plugin reads EndpointSlices of discovery.k8s.io/v1
  },
  etcd: {
    name: 'etcd',
    envVariable: 'MEMHP_ETCD',
    version: 'v3.6.16',
    moduleDirectory: 'tools/etcd',
    goPackage: 'go.etcd.io/etcd/server/v3',
    ldflags: '-s -w',
    versionArguments: ['--version'],
    versionPattern: /etcd Version: (\d+\.\d+)/,
    minimumVersion: '3.5', // oldest minor that kube-apiserver 1.32 and later run on
  },
  'kube-apiserver': kubernetesServer('kube-apiserver', '1.32'), // selectableFields of custom resources
  'kube-controller-manager': kubernetesServer('kube-controller-manager', SAME_KUBERNETES),
  'kube-proxy': kubernetesServer('kube-proxy', SAME_KUBERNETES),
  'kube-scheduler': kubernetesServer('kube-scheduler', SAME_KUBERNETES),
  kubectl: {
    name: 'kubectl',
    envVariable: 'MEMHP_KUBECTL',
    version: KUBERNETES_VERSION,
    moduleDirectory: 'tools/kubernetes',
    goPackage: 'k8s.io/kubernetes/cmd/kubectl',
    ldflags: KUBERNETES_LDFLAGS,
    versionArguments: ['version', '--client'],
    versionPattern: /Client Version: v(\d+\.\d+)/,
    minimumVersion: '1.30', // has --subresource without a feature gate
  },
  kubelet: kubernetesServer('kubelet', SAME_KUBERNETES),
  'lock-checker': {
    name: 'lock-checker',
    envVariable: 'MEMHP_LOCK_CHECKER',
    version: 'v1.0-1bce05c0', // with a digest of its source, which is in this repository; a test says what it should be
    moduleDirectory: 'tools/linearizability',
    goPackage: '.',
    ldflags: '-s -w',
    versionArguments: ['-version'],
    versionPattern: /lock-checker (\d+\.\d+)/,
    minimumVersion: '1.0',
  },
  pause: {
    name: 'pause',
    envVariable: 'MEMHP_PAUSE',
    version: 'v1.0-c10160d0', // with a digest of its source, as above
    moduleDirectory: 'tools/pause',
    goPackage: '.',
    ldflags: '-s -w',
    versionArguments: ['-version'],
    versionPattern: /pause (\d+\.\d+)/,
    minimumVersion: '1.0',
  },
  temporal: {
    name: 'temporal',
    envVariable: 'MEMHP_TEMPORAL',
    version: 'v1.5.1',
    moduleDirectory: 'tools/temporal',
    goPackage: 'github.com/temporalio/cli/cmd/temporal',
    ldflags: '-s -w',
    versionArguments: ['--version'],
    versionPattern: /Server (\d+\.\d+)/,
    minimumVersion: '1.29', // of the server inside: update-with-start, user metadata in the UI
  },
};
