/** What a replay found, as people read it. */
import type { Replay } from '../temporal/replay-histories.ts';
import { renderTable } from './render-table.ts';

interface TypeRow {
  readonly type: string;
  readonly open: number;
  readonly closed: number;
  readonly failed: number;
}

const COLUMNS = [
  { heading: 'WORKFLOW TYPE', cell: ({ type }: TypeRow) => type },
  { heading: 'OPEN', cell: ({ open }: TypeRow) => String(open) },
  { heading: 'CLOSED', cell: ({ closed }: TypeRow) => String(closed) },
  { heading: 'FAILED', cell: ({ failed }: TypeRow) => String(failed) },
];
/** More of the same say no more. */
const FAILURES_SHOWN = 10;

export function renderReplay(replays: readonly Replay[]): string {
  const types = [...new Set(replays.map(({ type }) => type))].sort();
  const rows = types.map((type): TypeRow => {
    const ofType = replays.filter((replay) => replay.type === type);
    const open = ofType.filter(({ isOpen }) => isOpen).length;
    const failed = ofType.filter(({ failure }) => failure).length;
    return { type, open, closed: ofType.length - open, failed };
  });
  const failures = replays.filter(({ failure }) => failure);
  const hidden = failures.length - FAILURES_SHOWN;
  return [
    ...renderTable(COLUMNS, rows),
    '',
    ...failures.slice(0, FAILURES_SHOWN).map(describe),
    ...(hidden > 0 ? [`… and ${String(hidden)} more`] : []),
    ...(failures.length > 0
      ? [advice(failures)]
      : [`${String(replays.length)} of ${String(replays.length)} histories replay.`]),
    '',
  ].join('\n');
}

function describe({ workflowId, runId, isOpen, failure }: Replay): string {
  const where = failure?.event === undefined ? '' : `; first event that differs: ${failure.event}`;
  return `${workflowId} (run ${runId}, ${isOpen ? 'open' : 'closed'})${where}\n  ${failure?.message ?? ''}`;
}

function advice(failures: readonly Replay[]): string {
  const lines = ['', 'Do not roll this version out now: workflows that are under way would stop where they differ.'];
  const isEntity = failures.some(({ type }) => type === 'nodeLocks' || type === 'offlinePermits');
  if (failures.some(({ isOpen, type }) => isOpen && type !== 'nodeLocks' && type !== 'offlinePermits')) {
    lines.push(
      'Open operations take minutes: pause new ones (annotation memoryhotplug.io/paused), let those end, and repeat.',
    );
  }
  if (isEntity) {
    lines.push(
      'Lock and permit workflows never end: a version that changes them must replay the present histories. Stay with the',
      'version that runs, and report this with the output above; docs/upgrade.md says what helps without one.',
    );
  }
  if (!failures.some(({ isOpen }) => isOpen)) {
    lines.push('Only closed workflows differ: an operation that is under way at the upgrade may, as well.');
  }
  return lines.join('\n');
}
