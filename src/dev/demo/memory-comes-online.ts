import { API_GROUP, API_VERSION } from '../../contract/names.ts';
import { firstBlockAbove } from './captured-node.ts';
import type { Step } from './step.ts';

export const MEMORY_COMES_ONLINE: Step = {
  title: 'Memory comes online',
  async run(scene) {
    const { narrator, shell, elapsedSeconds } = scene;
    const first = await firstBlockAbove(scene, 'worker-1');
    const [removed, retained] = [memoryBlock(first), memoryBlock(first + 1)];
    narrator.say(
      `A MemoryBlock says what one block of one node should be. worker-1 has no blocks ${String(first)} and ` +
        `${String(first + 1)} yet: they have to be added, and then brought online. The two differ in what deleting ` +
        'the object will do to the memory.',
    );
    await shell.show(
      `kubectl apply -f - <<EOF\n${manifest(first, 'Remove')}\n---\n${manifest(first + 1, 'Retain')}\nEOF`,
      { that: 'both objects are created', output: [created(removed), created(retained)] },
    );
    narrator.say(
      'One workflow per operation, first add, then online. Each takes the locks of the node that the kernel would ' +
        'take, so the two blocks take turns. (This is kubectl get --watch; lines that say nothing new are left out.)',
    );
    let firstOnlineSeconds: number | undefined;
    const bothOnline = {
      that: 'both blocks go from absent by offline to online',
      output: [removed, retained].flatMap((name) => [row(name, 'offline'), row(name, 'online +Movable +True')]),
    };
    await shell.watch('kubectl get mb --watch', bothOnline, (line) => {
      if (/ online +Movable /.test(line)) firstOnlineSeconds ??= elapsedSeconds();
    });
    narrator.done(`first block online ${String(firstOnlineSeconds?.toFixed(1))} s after the command was started`);
    narrator.say('Scripts need not watch: Ready is never left over from before an edit, so one can wait for it.');
    await shell.show(`kubectl wait --for=condition=Ready mb/${removed} mb/${retained} --timeout=60s`, {
      that: 'both blocks are Ready',
      output: [new RegExp(`${removed} condition met`), new RegExp(`${retained} condition met`)],
    });
  },
};

function memoryBlock(blockId: number): string {
  return `worker-1-memory${String(blockId)}`;
}

function manifest(blockId: number, deletionPolicy: 'Remove' | 'Retain'): string {
  return [
    `apiVersion: ${API_GROUP}/${API_VERSION}`,
    'kind: MemoryBlock',
    `metadata: { name: ${memoryBlock(blockId)} }`,
    `spec: { nodeName: worker-1, blockId: ${String(blockId)}, state: online_movable, deletionPolicy: ${deletionPolicy} }`,
  ].join('\n');
}

function created(name: string): RegExp {
  return new RegExp(`/${name} created`);
}

/** A line of `kubectl get mb`: name, node, block, desired state, then `rest`. */
function row(name: string, rest: string): RegExp {
  return new RegExp(`${name} +\\S+ +\\d+ +\\S+ +${rest}\\b`);
}
