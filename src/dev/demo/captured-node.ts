/** The first node of the story: one whose memory is laid out like a real machine's. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseBlockRanges } from '../../contract/block-ranges.ts';
import { MEMORY_SYSFS } from '../../drivers/capture/sysfs-snapshot.ts';
import { quoteForShell } from './quote-for-shell.ts';
import type { Scene, Step } from './step.ts';

const STORED_LAYOUT = 'examples/layouts/vm-x86_64-24g.yaml';

export const CAPTURED_NODE: Step = {
  title: 'A node that has the memory of a real machine',
  async run({ narrator, shell, directory }) {
    let layout = STORED_LAYOUT;
    if (existsSync(path.join(MEMORY_SYSFS, 'block_size_bytes'))) {
      narrator.say(
        'To Linux, memory that can come and go is a row of blocks. memhp capture reads which blocks this machine has ' +
          '(it only reads), and memhp import makes a simulated node of them.',
      );
      layout = quoteForShell(path.join(directory, 'this-machine.yaml'));
      await shell.show(`npx memhp capture -o ${layout}`, { that: 'a file with the layout', output: [] });
    } else {
      narrator.say(
        `This kernel does not show its memory blocks (there is no ${MEMORY_SYSFS}), so here is a machine that was ` +
          'captured earlier. memhp import makes a simulated node of it.',
      );
    }
    await shell.show(`head -n 20 ${layout}`, { that: 'a layout with its blocks', output: [/^blocks:/m] });
    await shell.show(`npx memhp import ${layout} --node worker-1 | kubectl apply -f -`, {
      that: 'NodeMemory worker-1 is created',
      output: [/worker-1 created/],
    });
    await shell.show('kubectl wait --for=condition=AgentReady nmem/worker-1 --timeout=60s', {
      that: 'the agent serves worker-1',
      output: [/condition met/],
    });
    await shell.show('kubectl get nmem -o wide', {
      that: 'worker-1 is Ready, driven by the simulated driver',
      output: [/worker-1 +simulated .* True/],
    });
  },
};

/** Id of the block right above all that the node has: absent on any machine. */
export async function firstBlockAbove({ shell }: Scene, node: string): Promise<number> {
  const ranges = await shell.ask(`kubectl get nmem ${node} -o jsonpath='{.status.blocks[*].range}'`);
  return Math.max(-1, ...ranges.trim().split(/\s+/).flatMap(parseBlockRanges)) + 1;
}
