import type { Step } from './step.ts';

const BLOCK = 'worker-2-memory16';

export const MEMORY_IS_PROMISED: Step = {
  title: 'Memory that a pod was promised stays',
  async run({ narrator, shell }) {
    narrator.say(
      'A useful notifier: capacity-guard asks whether the pods of the node would still fit. This pod was promised 2112 ' +
        'MiB, and without block 16 worker-2 has 2048. (No kubelet runs here, so nobody starts the pod; the promise counts.)',
    );
    await shell.apply('examples/demo/capacity-guard.yaml', 'capacity-guard');
    await shell.apply('examples/demo/pod.yaml', 'pod/database');
    await shell.show(`kubectl delete mb ${BLOCK} --wait=false`, {
      that: 'the deletion is accepted',
      output: [/deleted/],
    });
    await shell.show(
      `kubectl wait --for=jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'=Deferred mb/${BLOCK} --timeout=60s`,
      {
        that: 'taking the block offline is vetoed',
        output: [/condition met/],
      },
    );
    await shell.show(`kubectl get mb ${BLOCK} -o wide`, {
      that: 'the block is still online, and its message names capacity-guard and the pod',
      output: [/ online +Movable +False +Deferred/, /vetoed by capacity-guard .*default\/database/],
    });
    narrator.say('The pod goes, and with the next try, which stands under NEXT TRY above, the memory goes, too.');
    await shell.show('kubectl delete pod database', { that: 'the pod is deleted', output: [/deleted/] });
    await shell.watch(`kubectl get mb ${BLOCK} --watch --output-watch-events`, {
      that: 'the block goes offline and is removed, and the object is deleted',
      output: [/ going-offline /, / offline /, /^DELETED /m],
    });
    await shell.show('kubectl get nmem worker-2', {
      that: 'worker-2 has 2 GiB again',
      output: [/worker-2 +simulated +128Mi +2Gi/],
    });
  },
};
