/** The few lines of /proc/zoneinfo that describe where zones are. */
import type { LayoutZone } from './memory-layout.ts';

const HEADING = /^Node (\d+), zone\s+(\S+)/;
const FIELD = /^\s*(spanned|present|start_pfn:)\s+(\d+)\s*$/;

/** Zones that span any pages, in the file's order. */
export function parseZoneinfo(text: string): LayoutZone[] {
  const zones: { numaNode: number; zone: string; fields: Map<string, number> }[] = [];
  for (const line of text.split('\n')) {
    const heading = HEADING.exec(line);
    if (heading) zones.push({ numaNode: Number(heading[1]), zone: heading[2] ?? '', fields: new Map() });
    const field = FIELD.exec(line);
    if (field) zones.at(-1)?.fields.set(field[1] ?? '', Number(field[2]));
  }
  return zones
    .map(({ numaNode, zone, fields }) => ({
      numaNode,
      zone,
      startPfn: fields.get('start_pfn:') ?? 0,
      spannedPages: fields.get('spanned') ?? 0,
      presentPages: fields.get('present') ?? 0,
    }))
    .filter(({ spannedPages }) => spannedPages > 0);
}
