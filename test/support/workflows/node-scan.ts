/** A workflow of somebody else's that wants the memory of a node to stay as it is. Entry of a bundle. */
import { getOnlineMems, putOnlineMems } from '../../../workflows/online-mems.ts';

export interface NodeScanInput {
  readonly cluster: string;
  readonly node: string;
  readonly causedBy: string;
}

export async function scanNode({ cluster, node, causedBy }: NodeScanInput): Promise<void> {
  await putOnlineMems(await getOnlineMems({ cluster, node, causedBy, purpose: `scan of ${node}` }));
}
