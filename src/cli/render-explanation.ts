/** A dry run as people read it. Pure: answers in, text out. */
import {
  objectionsIn,
  wouldGoThrough,
  type ExplainedBlock,
  type ExplainedCall,
  type ExplainedOperation,
  type Explanation,
  type Objection,
} from '../contract/explain.ts';
import { MEM_HOTPLUG_LOCK } from '../contract/lock-names.ts';
import type { LockName } from '../kernel/lock.ts';
import type { NodeLocksAnswer } from '../temporal/lock-service-client.ts';
import { renderLockStates } from './render-locks.ts';
import { renderTable, type Column } from './render-table.ts';

/** Names in the order in which they are first asked for. */
export function locksIn({ operations }: Explanation): readonly LockName[] {
  return [...new Set(operations.flatMap(({ locks }) => locks))];
}

/** `locks` unset: no operation would come. */
export function renderExplanation(explanation: Explanation, locks: NodeLocksAnswer | undefined, nowMs: number): string {
  const { block, operations, notes } = explanation;
  const sections = [
    [describeBlock(block)],
    [...renderPath(explanation), ...renderVerdict(explanation)],
    ...operations.map(renderCalls),
    locks ? renderLocks(explanation, locks, nowMs) : [],
    notes.map((note) => `Note: ${note}`),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function describeBlock({ node, blockId, name, isRegistered, state, zone, goal }: ExplainedBlock): string {
  const now = state ?? 'in a state that its agent has not told yet';
  const asks = goal === undefined ? 'asks for nothing' : `asks for ${goal}`;
  const object = isRegistered ? `MemoryBlock ${name} ${asks}` : `there is no MemoryBlock ${name}`;
  return `Memory block ${String(blockId)} of ${node} is ${now}${zone ? ` in zone ${zone}` : ''}; ${object}.`;
}

function renderPath({ operations, to, end }: Explanation): readonly string[] {
  if (operations.length === 0) return end === undefined ? [] : [`To make it ${to}, nothing would be done: ${end}.`];
  return [
    `To make it ${to}, this would be done:`,
    ...operations.map(({ type, why }, index) => `  ${String(index + 1)}. ${type}: ${why}`),
  ];
}

function renderVerdict(explanation: Explanation): readonly string[] {
  const { obstacles, operations } = explanation;
  if (wouldGoThrough(explanation)) return operations.length === 0 ? [] : ['Nobody would object.'];
  return [
    'It would not go through:',
    ...obstacles.map(({ reason, message }) => `  ${reason}: ${message}`),
    ...objectionsIn(explanation).map(describeObjection),
  ];
}

function describeObjection({ operation: { action }, call }: Objection): string {
  const once = call.behind === undefined ? '' : `, once ${call.behind} has no objection any more`;
  const { name, errno = '', reason = 'gave no reason' } = call;
  return `  ${name} would veto ${action ?? ''} (${errno})${once}: ${reason}`;
}

function renderCalls({ action, calls, isAutomatic }: ExplainedOperation): readonly string[] {
  if (action === undefined || !calls) return [];
  if (calls.length === 0) return [`${action}: no notifier is registered for it.`];
  const harmless = isAutomatic ? '; the add succeeds whatever is answered' : '';
  return [
    `${action}, asked as a dry run in chain order${harmless}:`,
    ...indent(renderTable(CALL_COLUMNS, numbered(calls))),
  ];
}

type NumberedCall = ExplainedCall & { readonly order: number };

function numbered(calls: readonly ExplainedCall[]): readonly NumberedCall[] {
  return calls.map((call, index) => ({ ...call, order: index + 1 }));
}

const CALL_COLUMNS: readonly Column<NumberedCall>[] = [
  { heading: 'ORDER', cell: ({ order }) => String(order) },
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'TARGET', cell: ({ target }) => target },
  { heading: 'VERDICT', cell: verdictOf },
  { heading: 'ANSWER', cell: ({ result, errno }) => (errno === undefined ? result : `${result} ${errno}`) },
  { heading: 'RETRY AFTER', cell: ({ retryAfterSeconds: s }) => (s === undefined ? '' : `${String(s)}s`) },
  { heading: 'REASON', cell: ({ reason, outlook }) => [outlook, reason].filter(Boolean).join(': ') },
];

function verdictOf({ isVeto, result, behind }: ExplainedCall): string {
  const verdict = isVeto
    ? 'veto'
    : result === 'Error'
      ? 'skipped'
      : result === 'NOTIFY_STOP'
        ? 'agrees, ends it'
        : 'agrees';
  return behind === undefined ? verdict : `${verdict} (not asked after ${behind})`;
}

function renderLocks(explanation: Explanation, locks: NodeLocksAnswer, nowMs: number): readonly string[] {
  const names = locksIn(explanation);
  const readers =
    'Processes on the node that hold its memory in place (memhp online-mems) show only while a writer waits for them.';
  return [
    `Locks of ${locks.node} that it would ask for:`,
    ...indent(renderLockStates(locks, names, nowMs)),
    ...indent(names.includes(MEM_HOTPLUG_LOCK) ? [readers] : []),
  ];
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
