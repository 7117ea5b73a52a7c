/** `memhp notifiers`: who is asked, in which order, and what was said lately. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { memoryBlockName } from '../contract/names.ts';
import type { MemoryBlock, MemoryNotifier, NodeMemory } from '../contract/resources.ts';
import type { NodeObject } from '../controller/cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { notifierRows, verdictRows, type NotifierScope, type NotifierSnapshot } from './notifier-rows.ts';
import { parseBlockId } from './parse-block.ts';
import { renderNotifiers } from './render-notifiers.ts';

interface NotifiersOptions extends Pick<ClusterOptions, 'kubeconfig'> {
  readonly node?: string;
  readonly block?: number;
  readonly output: 'table' | 'json';
}

interface Seen extends NotifierSnapshot {
  readonly scope: NotifierScope | undefined;
}

const EXPLANATION = `
ORDER is the place in the chain: higher priority first, then older, then by name. With --node only those are shown whose nodeSelector
matches that node; with --block also only those whose blockSelector matches that block.

LAST CALL is the last time that an operation asked; dry runs (memhp explain) do not count.

Example:
  memhp notifiers --node worker-1 --block 32`;

export function notifiersCommand(): Command {
  return new Command('notifiers')
    .description('show the notifier chain in the order in which it is asked, and its recent verdicts')
    .option('--node <name>', 'only notifiers that are asked about blocks of this node')
    .option('--block <id>', 'only notifiers that are asked about this block; needs --node', blockId)
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, the service account of the pod, or ~/.kube/config')
    .addHelpText('after', EXPLANATION)
    .action(async (options: NotifiersOptions) => {
      const { scope, ...snapshot } = await look(options);
      const rows = notifierRows(snapshot, scope);
      const verdicts = verdictRows(snapshot, scope);
      process.stdout.write(
        options.output === 'json'
          ? `${JSON.stringify({ chain: rows, verdicts }, undefined, 2)}\n`
          : renderNotifiers(rows, verdicts, Date.now()),
      );
    });
}

async function look({ kubeconfig, node, block }: NotifiersOptions): Promise<Seen> {
  if (block !== undefined && node === undefined) throw new Error('--block needs --node: block numbers are per node');
  const read = await reader(kubeconfig);
  const [notifiers, blocks] = await Promise.all([read.notifiers.list(), read.blocks.list()]);
  if (node === undefined) return { notifiers, blocks, scope: undefined };
  const [nodeMemory, nodeObject] = await Promise.all([read.nodeMemories.get(node), read.nodes.get(node)]);
  if (!nodeMemory && !nodeObject) {
    throw new Error(
      `there is no NodeMemory ${node} and no Node of that name; kubectl get nodememories lists the nodes`,
    );
  }
  const object = blocks.find(({ metadata }) => block !== undefined && metadata.name === memoryBlockName(node, block));
  const scope = { node, nodeMemory, nodeObject, ...(block === undefined ? {} : { block: { blockId: block, object } }) };
  return { notifiers, blocks, scope };
}

async function reader(kubeconfig: string | undefined) {
  const [{ loadKubeConfig }, { ResourceClient }, kinds] = await Promise.all([
    import('../k8s/kube-config.ts'),
    import('../k8s/resource-client.ts'),
    import('../k8s/resource-kind.ts'),
  ]);
  const config = loadKubeConfig(kubeconfig === undefined ? {} : { kubeconfig });
  return {
    notifiers: new ResourceClient<MemoryNotifier>(config, kinds.MEMORY_NOTIFIERS, 'memhp'),
    blocks: new ResourceClient<MemoryBlock>(config, kinds.MEMORY_BLOCKS, 'memhp'),
    nodeMemories: new ResourceClient<NodeMemory>(config, kinds.NODE_MEMORIES, 'memhp'),
    nodes: new ResourceClient<NodeObject>(config, kinds.NODES, 'memhp'),
  };
}

function blockId(id: string): number {
  try {
    return parseBlockId(id);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
