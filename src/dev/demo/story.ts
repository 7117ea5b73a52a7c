import { CAPTURED_NODE } from './captured-node.ts';
import { OBJECTS_ARE_DELETED } from './deletion.ts';
import { MEMORY_COMES_ONLINE } from './memory-comes-online.ts';
import { PLUGIN_VETOES, VETO_GOES_AWAY } from './plugin-veto.ts';
import { MEMORY_IS_PROMISED } from './promised-memory.ts';
import type { Scene, Step } from './step.ts';

/** After the servers have been started; each step builds on those before it. */
const STEPS: readonly Step[] = [
  CAPTURED_NODE,
  MEMORY_COMES_ONLINE,
  PLUGIN_VETOES,
  VETO_GOES_AWAY,
  OBJECTS_ARE_DELETED,
  MEMORY_IS_PROMISED,
];

/** The start of the servers comes before them. */
export const STEPS_TOTAL = STEPS.length + 1;

/** `1/7 The servers` */
export function stepTitle(number: number, title: string): string {
  return `${String(number)}/${String(STEPS_TOTAL)} ${title}`;
}

/** Throws at the first step that does not do what it says. */
export async function tellStory(scene: Scene): Promise<void> {
  for (const [index, { title, run }] of STEPS.entries()) {
    scene.narrator.heading(stepTitle(index + 2, title));
    await run(scene);
  }
}
