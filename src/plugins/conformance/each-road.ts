import type { Asker } from './asker.ts';
import { summarize, undecided, type Finding } from './check.ts';
import type { Road } from './road.ts';

const NAMES: Readonly<Record<keyof Road, string>> = {
  going: 'a GOING action',
  done: 'MEM_ONLINE or MEM_OFFLINE',
  cancel: 'a CANCEL action',
};

/** Plays on each road of which the plugin answers all of `parts`, one operation after the other as on a node. */
export async function onEachRoad(
  asker: Asker,
  parts: readonly (keyof Road)[],
  play: (road: Road) => Promise<Finding>,
): Promise<Finding> {
  const roads = asker.roads(...parts);
  if (roads.length === 0) return notAsked(...parts);
  const findings: Finding[] = [];
  for (const road of roads) {
    findings.push(await play(road));
    await asker.takeBack();
  }
  return summarize(findings);
}

/** The plugin answers nothing of what would have to be asked. */
export function notAsked(...parts: readonly (keyof Road)[]): Finding {
  const names = parts.map((part) => NAMES[part]).join(' and ');
  return undecided(`it is not registered for ${names}, or gives none an answer`);
}
