/** The lock tables of nodes as people read them. Pure: answers in, text out. */
import type { LockParty, LockTableView } from '../contract/locks.ts';
import type { LockChain, LockdepReport } from '../kernel/lockdep.ts';
import type { NodeLocksAnswer } from '../temporal/lock-service-client.ts';
import { orderChains } from './order-graph.ts';
import { renderAge } from './render-age.ts';
import { renderTable, type Column } from './render-table.ts';

export interface RenderOptions {
  readonly nowMs: number;
  /** Also the run of each holder and waiter. */
  readonly isWide?: boolean;
}

interface Row {
  readonly lock: string;
  readonly state: string;
  readonly party: LockParty;
}

const RECOVERING = 'Nothing is granted until it is known what earlier runs have granted.';

export function renderLocks(answers: readonly NodeLocksAnswer[], options: RenderOptions): string {
  if (answers.length === 0) return 'No NodeMemory in this cluster: there is no node whose locks could be held.\n';
  return answers.map((answer) => `${renderNode(answer, options).join('\n')}\n`).join('\n');
}

/** Who holds `lock` now, in one sentence or a table. */
export function renderHolders(answer: NodeLocksAnswer, lock: string, nowMs: number): string {
  if (answer.kind !== 'table') return renderNode(answer, { nowMs }).join('\n');
  const holders = answer.table.locks
    .filter(({ name }) => name === lock)
    .flatMap((found) => rowsOf({ ...found, waiters: [] }));
  if (holders.length === 0) return `Nobody holds ${lock} of ${answer.node} now.`;
  return ['Held now by:', ...indent(renderTable(columnsOf({ nowMs, isWide: true }), holders))].join('\n');
}

/** Who holds each of the locks named and who waits for it; those that are free in a line of their own. */
export function renderLockStates(answer: NodeLocksAnswer, names: readonly string[], nowMs: number): readonly string[] {
  if (answer.kind !== 'table') return renderNode(answer, { nowMs });
  const locks = names.map((name) => {
    const found = answer.table.locks.find((lock) => lock.name === name);
    return found ?? { name, holders: [], waiters: [] };
  });
  const rows = locks.flatMap(rowsOf);
  const free = locks.filter(({ holders, waiters }) => holders.length + waiters.length === 0).map(({ name }) => name);
  return [
    ...(answer.table.isRecovering ? [RECOVERING] : []),
    ...(rows.length === 0 ? [] : renderTable(columnsOf({ nowMs }), rows)),
    ...rows.flatMap(noteOn),
    ...(free.length === 0 ? [] : [`free: ${free.join(', ')}`]),
  ];
}

function renderNode(answer: NodeLocksAnswer, options: RenderOptions): readonly string[] {
  switch (answer.kind) {
    case 'table':
      return renderLockTable(answer.table, options);
    case 'never-ran':
      return [`${answer.node}: no lock workflow; nobody has asked for a lock yet, or its history was deleted.`];
    case 'closed':
      return [
        `${answer.node}: the lock workflow is closed.`,
        '  The next request starts a new one, which first finds out what is still held.',
      ];
    case 'silent':
      return [`${answer.node}: not known. ${answer.reason}`];
  }
}

function renderLockTable(table: LockTableView, options: RenderOptions): readonly string[] {
  const rows = table.locks.flatMap(rowsOf);
  const heading = `${table.node}: epoch ${String(table.epoch)}, ${table.isRecovering ? 'recovering' : 'granting'}`;
  return [
    `${heading}${rows.length === 0 && !table.isRecovering ? '; no lock is held' : ''}`,
    ...indent(table.isRecovering ? [RECOVERING] : []),
    ...indent(rows.length === 0 ? [] : renderTable(columnsOf(options), rows)),
    ...indent(rows.flatMap(noteOn)),
    ...indent(table.refused === undefined ? [] : [table.refused]),
    ...indent(table.unsettled === undefined ? [] : [`Closed holders are not settled: ${table.unsettled}`]),
    ...indent(orderChains(table.orders).map((chain) => `order: ${chain}`)),
    ...indent(table.lockdep.flatMap(renderReport)),
  ];
}

function rowsOf({ name, holders, waiters }: LockTableView['locks'][number]): readonly Row[] {
  return [
    ...holders.map((party) => ({ lock: name, state: stateOf(party), party })),
    ...waiters.map((party, index) => ({ lock: name, state: `waits ${String(index + 1)}`, party })),
  ];
}

function stateOf({ isClosed, suspect }: LockParty): string {
  if (isClosed) return 'closed';
  return suspect === undefined ? 'held' : 'suspect';
}

function columnsOf({ nowMs, isWide }: RenderOptions): readonly Column<Row>[] {
  return [
    { heading: 'LOCK', cell: ({ lock }) => lock },
    { heading: 'STATE', cell: ({ state }) => state },
    { heading: 'MODE', cell: ({ party }) => party.mode },
    { heading: 'AGE', cell: ({ party }) => renderAge(nowMs - Date.parse(party.since)) },
    { heading: 'TOKEN', cell: ({ party }) => (party.token === undefined ? '' : String(party.token)) },
    { heading: 'PURPOSE', cell: ({ party }) => party.purpose },
    { heading: 'WORKFLOW', cell: ({ party }) => party.workflowId },
    ...(isWide ? [{ heading: 'RUN', cell: ({ party }: Row) => party.runId }] : []),
  ];
}

/** What stands behind the words `closed` and `suspect`. */
function noteOn({ lock, party }: Row): readonly string[] {
  const holder = `${lock}, ${party.purpose}`;
  if (party.isClosed) {
    return [`closed: ${holder}: its workflow has ended; held until the node's agent confirms that nothing goes on`];
  }
  return party.suspect === undefined ? [] : [`suspect: ${holder}: ${party.suspect}`];
}

function renderReport({ cycle, chains }: LockdepReport): readonly string[] {
  const [first] = cycle;
  return [
    `lockdep: possible circular locking dependency: ${[...cycle, first].join(' → ')}`,
    ...indent(renderTable(CHAIN_COLUMNS, chains)),
    '  No lock was held by all of them: sooner or later they wait for each other.',
  ];
}

const CHAIN_COLUMNS: readonly Column<LockChain>[] = [
  { heading: 'WHO', cell: ({ purpose }) => purpose },
  { heading: 'HELD', cell: ({ held }) => held.map(nameOf).join(', ') },
  { heading: 'ASKED FOR', cell: ({ wanted }) => wanted },
  { heading: 'WORKFLOW', cell: ({ workflowId }) => workflowId },
];

function nameOf({ name, mode }: LockChain['held'][number]): string {
  return mode === 'read' ? `${name}:r` : name;
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
