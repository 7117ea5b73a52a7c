/** The operator's part in a dry run, for workflow tests: the real rules about a scripted node, without a cluster. */
import type { ExplainActivities } from '../../src/contract/explain.ts';
import type { RegisteredNotifier } from '../../src/contract/notifier.ts';
import type { NodeMemory } from '../../src/contract/resources.ts';
import { foreseeOperations } from '../../src/controller/foresee-operations.ts';
import type { ScriptedNode } from './scripted-node.ts';

interface ExplainStage {
  readonly cluster: string;
  readonly node: ScriptedNode;
  readonly notifiers: readonly RegisteredNotifier[];
}

/** Reads `stage` when it is asked. */
export function scriptedExplain(stage: ExplainStage): ExplainActivities {
  return {
    foreseeOperations: (question) => {
      const { cluster, node, notifiers } = stage;
      const nodeMemory = question.node === node.name ? nodeMemoryOf(node) : undefined;
      const chain = { notifiers, fingerprint: 'test' };
      const facts = { cluster, block: undefined, nodeMemory, isCrdTerminating: false, chain, nowMs: Date.now() };
      return Promise.resolve(foreseeOperations({ ...question, ...facts }));
    },
  };
}

function nodeMemoryOf({ name, states, bootId }: ScriptedNode): NodeMemory {
  return {
    metadata: { name },
    spec: {},
    status: {
      capabilities: { add: true, remove: true, online: true, offline: true },
      blockSize: '128Mi',
      bootId,
      blocks: [...states].map(([blockId, state]) => ({ range: String(blockId), state })),
    },
  };
}
