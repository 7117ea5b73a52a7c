/** Whether a node exists: its NodeMemory does and, where that is owned by a Node object, so does that one, by uid. */
import type { NodeMemory, ObjectMeta } from '../contract/resources.ts';

/** Why the node counts as gone; undefined while it exists. Ask only with copies that are complete: silence is no answer. */
export function whyNodeIsGone(
  name: string,
  nodeMemory: NodeMemory | undefined,
  node: { readonly metadata: Pick<ObjectMeta, 'uid'> } | undefined,
): string | undefined {
  if (!nodeMemory) return `there is no NodeMemory ${name}; start the agent of that node, or delete this object`;
  const owner = nodeMemory.metadata.ownerReferences?.find(({ kind }) => kind === 'Node');
  if (!owner || owner.uid === node?.metadata.uid) return undefined;
  return node
    ? `Node ${name} was replaced by another of the same name; its agent has to register it anew`
    : `Node ${name} was deleted from the cluster`;
}
