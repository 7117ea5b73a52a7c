/** The notifier chain as people read it. Pure: rows in, text out. */
import type { NotifierStatus } from '../contract/resources.ts';
import type { NotifierRow, VerdictRow } from './notifier-rows.ts';
import { renderAge } from './render-age.ts';
import { renderTable, type Column } from './render-table.ts';

/** Operations told at most; more belong into a program. */
const VERDICTS_MAX = 20;

export function renderNotifiers(rows: readonly NotifierRow[], verdicts: readonly VerdictRow[], nowMs: number): string {
  const chain =
    rows.length === 0
      ? ['No MemoryNotifier is registered here: nobody is asked.']
      : [...renderTable(columnsAt(nowMs), rows), ...rows.flatMap(noteOn)];
  return `${[chain, renderVerdicts(verdicts, nowMs)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function columnsAt(nowMs: number): readonly Column<NotifierRow>[] {
  return [
    { heading: 'ORDER', cell: ({ order }) => (order === undefined ? '-' : String(order)) },
    { heading: 'NAME', cell: ({ name }) => name },
    { heading: 'TARGET', cell: ({ target }) => target },
    { heading: 'PRIORITY', cell: ({ priority }) => String(priority) },
    { heading: 'ACTIONS', cell: ({ actions }) => (actions.length === 0 ? 'all' : actions.join(',')) },
    { heading: 'POLICY', cell: ({ failurePolicy }) => failurePolicy },
    { heading: 'TIMEOUT', cell: ({ timeoutSeconds }) => `${String(timeoutSeconds)}s` },
    { heading: 'READY', cell: ({ ready }) => ready },
    { heading: 'SUSPENDED', cell: ({ isSuspended }) => (isSuspended ? 'yes' : '') },
    { heading: 'LAST CALL', cell: ({ lastCall }) => lastCall?.action ?? '' },
    { heading: 'ANSWER', cell: ({ lastCall }) => (lastCall ? answerOf(lastCall) : '') },
    {
      heading: 'BLOCK',
      cell: ({ lastCall }) => (lastCall ? `${lastCall.node}-memory${String(lastCall.blockId)}` : ''),
    },
    { heading: 'AGE', cell: ({ lastCall }) => (lastCall ? renderAge(nowMs - Date.parse(lastCall.time)) : '') },
    { heading: 'REASON', cell: ({ lastCall }) => lastCall?.reason ?? '' },
  ];
}

function noteOn({ name, problem }: NotifierRow): readonly string[] {
  return problem === undefined ? [] : [`${name} is not ready: ${problem}`];
}

interface AnswerRow extends NotifierStatus {
  readonly of: VerdictRow;
}

function renderVerdicts(verdicts: readonly VerdictRow[], nowMs: number): readonly string[] {
  if (verdicts.length === 0) return [];
  const rows = verdicts
    .slice(0, VERDICTS_MAX)
    .flatMap((of) => of.answers.map((answer): AnswerRow => ({ ...answer, of })));
  const more = verdicts.length - VERDICTS_MAX;
  return [
    'What the chain has said in the last operation of each block:',
    ...renderTable(verdictColumnsAt(nowMs), rows),
    ...(more > 0 ? [`and of ${String(more)} more blocks; name one with --node and --block, or use -o json`] : []),
  ];
}

function verdictColumnsAt(nowMs: number): readonly Column<AnswerRow>[] {
  return [
    { heading: 'BLOCK', cell: ({ of }) => of.block },
    { heading: 'OPERATION', cell: ({ of }) => of.operation },
    { heading: 'RESULT', cell: ({ of }) => of.result },
    { heading: 'AGE', cell: ({ of }) => renderAge(nowMs - Date.parse(of.time)) },
    { heading: 'NAME', cell: ({ name }) => name },
    { heading: 'ACTION', cell: ({ action }) => action },
    { heading: 'ANSWER', cell: answerOf },
    { heading: 'REASON', cell: ({ reason }) => reason ?? '' },
  ];
}

function answerOf({ result, errno }: Pick<NotifierStatus, 'result' | 'errno'>): string {
  return errno === undefined ? result : `${result} ${errno}`;
}
