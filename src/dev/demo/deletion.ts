import { firstBlockAbove } from './captured-node.ts';
import type { Step } from './step.ts';

export const OBJECTS_ARE_DELETED: Step = {
  title: 'Deleting: Retain leaves the memory, Remove takes it away',
  async run(scene) {
    const { narrator, shell } = scene;
    const above = await firstBlockAbove(scene, 'worker-1');
    const [removed, retained] = [above - 2, above - 1];
    const blocks = 'kubectl get nmem worker-1 -o jsonpath=\'{.status.blocks[-1:]}{"\\n"}\'';
    narrator.say(
      'With deletionPolicy Retain, the default, only the object goes. The node keeps its memory as it is: its own ' +
        `report still has block ${String(retained)} online.`,
    );
    await shell.show(`kubectl delete mb worker-1-memory${String(retained)}`, {
      that: 'the object is deleted',
      output: [/deleted/],
    });
    await shell.show(blocks, {
      that: 'the memory is still online',
      output: [new RegExp(`"range":"\\d+-${String(retained)}","state":"online"`)],
    });
    narrator.say('Pages in use take time to move away. Those of a simulated node take as long as one says: here, 2 s.');
    await shell.show(`kubectl patch nmem worker-1 --type=merge -p '{"spec":{"simulated":{"migrationMs":2000}}}'`, {
      that: 'worker-1 is patched',
      output: [/patched/],
    });
    narrator.say(
      'With Remove, the object stays until its memory is offline and removed, then goes. (kubectl delete would wait ' +
        'for that; with --wait=false one can watch it.)',
    );
    await shell.show(`kubectl delete mb worker-1-memory${String(removed)} --wait=false`, {
      that: 'the deletion is accepted',
      output: [/deleted/],
    });
    await shell.watch(`kubectl get mb worker-1-memory${String(removed)} --watch --output-watch-events`, {
      that: 'the block goes from online by offline to absent, and the object is deleted',
      output: [/ offline /, / absent /, /^DELETED /m],
    });
    await shell.show(blocks, {
      that: `block ${String(removed)} is gone and block ${String(retained)} still online`,
      output: [new RegExp(`"range":"${String(retained)}","state":"online"`)],
    });
  },
};
