/** What the end-to-end tests ask of the cluster that they run on, whoever provides it. */
import type { FolderBind } from '../../src/dev/cluster/sandbox.ts';

export const E2E_PROVIDERS = ['local', 'kind', 'existing'] as const;
export type E2eProvider = (typeof E2E_PROVIDERS)[number];

export interface E2eClusterOptions {
  /** Tar files of images that pods use. */
  readonly images?: readonly string[];
  /** Folders of this machine that the node sees elsewhere. */
  readonly binds?: readonly FolderBind[];
  /** One file per server, kept; only where the cluster is `local`. */
  readonly logDirectory?: string;
  readonly log?: (line: string) => void;
}

export interface E2eCluster {
  readonly provider: E2eProvider;
  /** Path of a kubeconfig; its user may do everything. */
  readonly kubeconfig: string;
  /** Whether the node sees the folders that were asked for; it cannot where it is another machine. */
  readonly seesBinds: boolean;
  /** Afterwards pods may use the images in these tar files. */
  loadImages(tarFiles: readonly string[]): Promise<void>;
  /** Removes the cluster, where it was made for the tests; else what they installed in it. */
  stop(): Promise<void>;
}
