/** After the story: where to look, and what to try. */
import path from 'node:path';
import { loadKubeConfig } from '../../k8s/kube-config.ts';
import { clusterId } from '../../k8s/cluster-id.ts';
import { nodeLocksWorkflowId, operationWorkflowId, SEARCH_ATTRIBUTES } from '../../contract/names.ts';
import { quoteForShell } from './quote-for-shell.ts';
import type { Scene } from './step.ts';

const VETOED = `${SEARCH_ATTRIBUTES.result}="Vetoed"`;

/** A command to try, and what it shows. */
interface Suggestion {
  readonly command: string;
  readonly shows: string;
}

export async function invite({ narrator, environment, operators, directory }: Scene): Promise<void> {
  const { controlPlane, env, nodesDirectory, temporal } = environment;
  const cluster = await clusterId(loadKubeConfig({ kubeconfig: controlPlane.kubeconfig }));
  const workflows = `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows`;
  const link = (workflowId: string): string => `${workflows}/${encodeURIComponent(workflowId)}`;
  narrator.heading('Look around');
  narrator.say('The Temporal UI shows every lock taken, every plugin asked and every step of a driver:');
  narrator.line(`  all operations           ${workflows}`);
  narrator.line(`  those that were vetoed   ${workflows}?query=${encodeURIComponent(VETOED)}`);
  narrator.line(`  the last one of block 16 ${link(operationWorkflowId(cluster, 'worker-2', 16))}`);
  narrator.line(`  the locks of worker-2    ${link(nodeLocksWorkflowId(cluster, 'worker-2'))}`);
  narrator.say('To try things yourself, open another terminal in this directory, and there:');
  narrator.line('');
  for (const [name, value] of Object.entries(env)) narrator.line(`  export ${name}=${quoteForShell(value)}`);
  narrator.line(`  export PATH=${quoteForShell(path.join(directory, 'bin'))}:$PATH`);
  for (const { command, shows } of suggestions(nodesDirectory, operators[0]?.pid)) {
    narrator.say(`${shows}:`);
    narrator.line(`  $ ${command}`);
  }
}

function suggestions(nodesDirectory: string, operatorPid: number | undefined): Suggestion[] {
  const block = 'mb/worker-2-memory16';
  return [
    { shows: 'All objects of this project', command: 'kubectl get memhp' },
    { shows: 'The chain of notifiers, and what it last said', command: 'memhp notifiers' },
    {
      shows: 'Who would object if block 8 went offline, and which locks would be waited for; this changes nothing',
      command: 'memhp explain node worker-2 block 8 --to offline || echo "it would not go through"',
    },
    { shows: 'What a field means', command: 'kubectl explain mb.spec.state' },
    {
      shows: 'The block of the story again',
      command: `kubectl apply -f examples/demo/worker-2-memory16.yaml && kubectl wait --for=condition=Ready ${block} --timeout=60s`,
    },
    {
      shows: "Take it offline behind the operators' back: they say Drifted, and leave it",
      command:
        `echo offline > ${quoteForShell(path.join(nodesDirectory, 'worker-2', 'by-hand', 'memory16'))} && ` +
        `kubectl wait --for=condition=Ready=false ${block} && kubectl get ${block} -o wide`,
    },
    {
      shows: 'An operator dies in the worst way; the other one goes on',
      command: `kill -KILL ${String(operatorPid)}`,
    },
    {
      shows: 'Have drift corrected from now on, and the block comes back',
      command:
        `kubectl patch ${block} --type=merge -p '{"spec":{"driftPolicy":"Correct"}}' && ` +
        `kubectl wait --for=condition=Ready ${block} --timeout=60s && kubectl get ${block}`,
    },
  ];
}
