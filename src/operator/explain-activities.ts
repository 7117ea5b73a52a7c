/** The operator's part in a dry run: it reads, and foresees with the controller's pure functions. */
import type { ExplainActivities } from '../contract/explain.ts';
import { memoryBlockName } from '../contract/names.ts';
import { foreseeOperations } from '../controller/foresee-operations.ts';
import { whyNodeIsGone } from '../controller/node-presence.ts';
import type { OperationPolicy } from '../controller/operation-request.ts';
import { readFacts, type OperationActivitiesOptions } from './operation-activities.ts';

export interface ExplainActivitiesOptions
  extends Pick<OperationActivitiesOptions, 'cluster' | 'clusterId' | 'listNotifiers'>, OperationPolicy {}

export function createExplainActivities(options: ExplainActivitiesOptions): ExplainActivities {
  const { cluster, clusterId, maxConcurrentOfflines } = options;
  return {
    async foreseeOperations(question) {
      const { node: nodeName, blockId } = question;
      const [{ block, node, nodeObject, chain }, isCrdTerminating] = await Promise.all([
        readFacts(options, memoryBlockName(nodeName, blockId), nodeName),
        cluster.isCrdTerminating(),
      ]);
      const nodeGone = whyNodeIsGone(nodeName, node, nodeObject);
      return foreseeOperations({
        ...question,
        cluster: clusterId,
        block,
        nodeMemory: node,
        ...(nodeGone === undefined ? {} : { nodeGone }),
        isCrdTerminating,
        chain,
        nowMs: Date.now(),
        ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
      });
    },
  };
}
