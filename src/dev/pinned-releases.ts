/**
 * Official release archives, by their digests. Nothing is ever downloaded without a digest
 * from this table; a platform that is not in it builds with Go.
 *
 * Where the digests come from: public projects that pin the same archives; each value stands in at least two of them that
 * are independent of each other. They have not been compared with the publishers' own lists (envtest-releases.yaml of
 * kubernetes-sigs/controller-tools, checksums.txt of the Temporal CLI), and no archive has been downloaded with them yet:
 * a wrong one costs a build with Go, never a wrong binary. To add a version, take the digest from those lists.
 * What makes a node (kubelet, kube-proxy, …) and CoreDNS are in none of these archives; no digest of theirs could be
 * compared, so they are built with Go.
 */
import type { ToolName } from './tool-catalog.ts';

/** Operating system and CPU as Go names them: `linux-amd64`. */
export type Platform = `${string}-${string}`;

export interface PinnedRelease {
  readonly name: string;
  /** Version of the archive; part of the cache path of everything in it. */
  readonly version: string;
  readonly url: (platform: Platform) => string;
  readonly algorithm: 'sha256' | 'sha512';
  /** Hexadecimal digest of the archive, by platform. */
  readonly digests: Readonly<Record<Platform, string>>;
  /** Path of each executable inside the archive. */
  readonly members: Readonly<Partial<Record<ToolName, string>>>;
}

const CONTROLLER_TOOLS = 'https://github.com/kubernetes-sigs/controller-tools/releases/download';
const TEMPORAL_CLI = 'https://github.com/temporalio/cli/releases/download';

export const PINNED_RELEASES: readonly PinnedRelease[] = [
  {
    name: 'envtest',
    version: 'v1.37.0', // with etcd 3.7.0
    url: (platform) => `${CONTROLLER_TOOLS}/envtest-v1.37.0/envtest-v1.37.0-${platform}.tar.gz`,
    algorithm: 'sha512',
    digests: {
      'linux-amd64':
        '1d1c453633b72c161a5d5a886cde7ac850be1a2ac796a9e1d4ffacacc64868295bdd2d57aa66cd0c158f5ce510f5dfe3fbc61ac21bd3dcfb875bd70658aa663a',
      'linux-arm64':
        'ae6a670502988200b0131c943758cfd3d3a58cf4e6247ef7f0e6a6467f1cd9a333c802e86101f0446b1b92a0e327387224e1e44fe1a4693da0929c6e529cfe9a',
      'darwin-amd64':
        '19a2a5376a8aa57a7b25ec5198834db29bf2ba0d6ff572d7f45ba683b13fb14c3ebec8069e92db66c39f1c7a9cff1bc2be879e2aacdc9fa8b8a7e861959bdf7b',
      'darwin-arm64':
        'fb38cfacdd71b5e97a4d4cceac861af5f55069cf783f0e49cf181bfc32eb3e557c2091a534dc5d38f1b92c5ba142bc1979f215a5385b3630ea6a661be6fa161b',
    },
    members: {
      etcd: 'controller-tools/envtest/etcd',
      'kube-apiserver': 'controller-tools/envtest/kube-apiserver',
      kubectl: 'controller-tools/envtest/kubectl',
    },
  },
  {
    name: 'temporal-cli',
    version: 'v1.5.1',
    url: (platform) => `${TEMPORAL_CLI}/v1.5.1/temporal_cli_1.5.1_${platform.replace('-', '_')}.tar.gz`,
    algorithm: 'sha256',
    digests: {
      'linux-amd64': 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
      'linux-arm64': 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
      'darwin-amd64': 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
      'darwin-arm64': 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
    },
    members: { temporal: 'temporal' },
  },
];

/** The release archive that holds `tool`, whether or not this platform's digest is known. */
export function releaseOf(tool: ToolName, releases = PINNED_RELEASES): PinnedRelease | undefined {
  return releases.find((release) => tool in release.members);
}

const GO_ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The platform of this machine, as release archives name it. */
export function hostPlatform(): Platform {
  return `${process.platform}-${GO_ARCHITECTURE[process.arch] ?? process.arch}`;
}
