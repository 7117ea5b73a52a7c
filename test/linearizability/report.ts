/** The table at the end of a run. */
import path from 'node:path';
import type { RunResult } from './run-linearizability.ts';

export function describeRun(result: RunResult): string {
  const { counts, counted, overlapping, refusals } = result;
  const share = counted === 0 ? 0 : (100 * overlapping) / counted;
  const refused = [...refusals].map(([errno, count]) => `${errno} ${String(count)}`).join(', ') || 'none';
  const rows: [string, string][] = [
    ['acquisitions and releases', String(counted)],
    ['of these overlapping', `${share.toFixed(0)} %`],
    ['grants', String(result.grants)],
    ['refused', refused],
    ['unknown results', String(result.unknown)],
    ['tokens renewed', String(result.renewals)],
    ['settlements', String(result.settlements)],
    ['messages repeated', String(result.repeated)],
    ['longest queue', String(result.queueMax)],
    ...[...counts].map(([kind, { injected, whileHeld }]): [string, string] => [
      kind,
      `${String(injected)}, ${String(whileHeld)} of them while a lock was held`,
    ]),
    [
      'steps put in order',
      `${String(result.operations)} on ${String(result.locks)} locks, ${String(result.searchMs)} ms`,
    ],
    ['verdict', result.verdict],
    ['picture', path.relative(process.cwd(), result.html)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** Why the run does not prove what it should; empty: it does. */
export function shortcomingsOf(result: RunResult, wanted: number): readonly string[] {
  const { verdict, violations, stuck, counted, overlapping, counts, forgotten } = result;
  const share = counted === 0 ? 0 : overlapping / counted;
  return [
    ...(verdict === 'linearizable' ? [] : [`the history is ${verdict}: ${violations.join('; ')}`]),
    ...(stuck === undefined ? [] : [`not every client has ended, ${stuck}`]),
    ...(share >= OVERLAP_LEAST ? [] : [`only ${(100 * share).toFixed(0)} % of the operations overlap`]),
    ...forgotten.map((name) => `${name} has waited in vain: its locks were not given on`),
    ...[...counts]
      .filter(([, { whileHeld }]) => whileHeld < wanted)
      .map(
        ([kind, { whileHeld }]) =>
          `"${kind}" hit ${String(whileHeld)} times while a lock was held, not ${String(wanted)}`,
      ),
  ];
}

const OVERLAP_LEAST = 0.3;
