/** The one node of a cluster that the end-to-end tests work on, for files of a node are seen by its own pods only. */
import type { Kubectl } from './kubectl.ts';

const HOSTNAME = 'kubernetes.io/hostname';

/** What is looked at of a Node. */
export interface SeenNode {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly taints?: readonly { readonly effect: string }[]; readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export interface E2eNode {
  readonly name: string;
  /** Has a pod run there. */
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** Throws when no node takes ordinary pods. */
export async function chooseE2eNode(kubectl: Kubectl): Promise<E2eNode> {
  return pickNode((JSON.parse(await kubectl.succeed(['get', 'nodes', '-o', 'json'])) as { items: SeenNode[] }).items);
}

/** The first of these that takes ordinary pods. */
export function pickNode(nodes: readonly SeenNode[]): E2eNode {
  const { metadata } = nodes.find(takesPods) ?? {};
  const hostname = metadata?.labels?.[HOSTNAME];
  if (!metadata || !hostname) throw new Error('no node of this cluster is Ready, runs Linux, and takes ordinary pods');
  return { name: metadata.name, nodeSelector: { [HOSTNAME]: hostname } };
}

function takesPods({ metadata, spec, status }: SeenNode): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  const isTainted = spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule') ?? false;
  return isReady && !isTainted && spec?.unschedulable !== true && metadata.labels?.['kubernetes.io/os'] === 'linux';
}
