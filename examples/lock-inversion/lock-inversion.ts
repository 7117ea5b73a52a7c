/**
 * The lock inversion that device_hotplug_lock is there for, in three acts. Exit status 0 only if all of it happened.
 *
 *   npm run example:lock-inversion
 */
import assert from 'node:assert/strict';
import { renderLocks } from '../../src/cli/render-locks.ts';
import type { LockTableView } from '../../src/contract/locks.ts';
import type { OperationOutcome, OperationRequest } from '../../src/contract/operations.ts';
import { Narrator } from '../../src/dev/demo/narrator.ts';
import { Stage } from './stage.ts';
import { BLOCK_SIZE_BYTES, WindowNode } from './window-node.ts';

const BLOCK_ID = 32;
const DEVICE_LOCK = `device_lock/memory${String(BLOCK_ID)}`;
/** As a shell says it of a command that SIGINT ended. */
const INTERRUPTED_STATUS = 130;
const narrator = new Narrator(process.stdout);

type Faults = Pick<OperationRequest['input'], 'withoutDeviceHotplugLock'>;
const WITHOUT_D: Faults = { withoutDeviceHotplugLock: true };

function addByRange(stage: Stage, node: WindowNode, faults: Faults = {}): OperationRequest {
  const range = { start: BLOCK_ID * BLOCK_SIZE_BYTES, size: BLOCK_SIZE_BYTES };
  return { type: 'add', input: { ...stage.inputFor(node), range, ...faults } };
}

function onlineByBlock(stage: Stage, node: WindowNode, faults: Faults = {}): OperationRequest {
  return {
    type: 'online',
    input: { ...stage.inputFor(node), blockId: BLOCK_ID, onlineType: 'online_movable', ...faults },
  };
}

interface Race {
  /** While the add stands in the window and the online waits. */
  readonly table: LockTableView;
  readonly online: { readonly holds: readonly string[]; readonly waitsFor: string | undefined };
  readonly added: OperationOutcome;
  readonly onlined: OperationOutcome;
  readonly end: LockTableView;
}

/** Add and online side by side, where the user is faster than expected. */
async function race(stage: Stage, node: WindowNode, faults: Faults = {}): Promise<Race> {
  const window = node.openWindow();
  const adding = await stage.start(addByRange(stage, node, faults));
  await window.reached;
  const onlining = await stage.start(onlineByBlock(stage, node, faults));
  const isOnline = ({ runId }: { readonly runId: string }): boolean => runId === onlining.runId;
  const table = await stage.lockTableWhen(node, ({ locks }) => locks.some(({ waiters }) => waiters.some(isOnline)));
  const holds = table.locks.filter(({ holders }) => holders.some(isOnline)).map(({ name }) => name);
  const waitsFor = table.locks.find(({ waiters }) => waiters.some(isOnline))?.name;
  show('The add stands in the window, the online has come:', table);
  window.close();
  const [added, onlined] = await Promise.all([adding.outcome, onlining.outcome]);
  const end = await stage.lockTableWhen(node, ({ locks }) => locks.length === 0);
  tell('add', added);
  tell('online', onlined);
  show('Afterwards:', end);
  return { table, online: { holds, waitsFor }, added, onlined, end };
}

async function withDeviceHotplugLock(stage: Stage): Promise<void> {
  narrator.heading('1/3  With device_hotplug_lock');
  narrator.say(
    `add_memory() has created the device of memory${String(BLOCK_ID)}: users see it. It holds mem_hotplug_lock and is about to ` +
      'for the device_lock. A user is faster and onlines the block right now.',
  );
  const { online, added, onlined, end } = await race(stage, await newNode(stage, 'worker-1'));
  assert.deepEqual(online, { holds: [], waitsFor: 'device_hotplug_lock' });
  narrator.done('The online waited for device_hotplug_lock and held nothing meanwhile.');
  assert.deepEqual([added.result, onlined.result], ['Succeeded', 'Succeeded']);
  narrator.done('Both succeeded: it was not refused because the add was running.');
  assert.deepEqual(end.lockdep, []);
  narrator.done('lockdep is silent: both orders were seen, but each time under device_hotplug_lock.');
}

async function withoutDeviceHotplugLock(stage: Stage): Promise<void> {
  narrator.heading('2/3  Without it');
  narrator.say(
    'The same moment, in a fault mode in which both leave device_hotplug_lock out. The online takes the device_lock and asks for ' +
      'mem_hotplug_lock; the add holds that one and asks for the device_lock.',
  );
  const node = await newNode(stage, 'worker-2');
  const { online, added, end } = await race(stage, node, WITHOUT_D);
  assert.deepEqual(online, { holds: [DEVICE_LOCK], waitsFor: 'mem_hotplug_lock' });
  assert.deepEqual([added.result, added.errno], ['Failed', 'EDEADLK']);
  assert.match(added.message, new RegExp(`add .* holds mem_hotplug_lock and waits for ${DEVICE_LOCK}`));
  assert.match(added.message, new RegExp(`online .* holds ${DEVICE_LOCK} and waits for mem_hotplug_lock`));
  narrator.done('The request that would have closed the circle was refused: EDEADLK, naming both chains.');
  assertInversion(end);
  narrator.done('lockdep reports the inversion, with both chains.');
}

async function withKindTiming(stage: Stage): Promise<void> {
  narrator.heading('3/3  Without it, and nothing goes wrong');
  narrator.say(
    'Again without device_hotplug_lock, but this time the user comes late: first the add, then the online. Most runs are like this ' +
      'one, and that is what makes such a mistake hard to find.',
  );
  const node = await newNode(stage, 'worker-3');
  const added = await (await stage.start(addByRange(stage, node, WITHOUT_D))).outcome;
  tell('add', added);
  const onlined = await (await stage.start(onlineByBlock(stage, node, WITHOUT_D))).outcome;
  tell('online', onlined);
  const end = await stage.lockTableWhen(node, ({ locks }) => locks.length === 0);
  show('Afterwards:', end);
  assert.deepEqual([added.result, onlined.result], ['Succeeded', 'Succeeded']);
  narrator.done('Both succeeded, nobody ever waited.');
  assertInversion(end);
  narrator.done('lockdep reports the inversion all the same: it looks at orders, not at luck.');
}

function assertInversion({ lockdep }: LockTableView): void {
  const [report] = lockdep;
  assert.equal(lockdep.length, 1);
  assert.deepEqual([...(report?.cycle ?? [])].sort(), ['device_lock', 'mem_hotplug_lock']);
  assert.deepEqual(report?.chains.map(({ purpose }) => purpose.split(' ', 1)[0]).sort(), ['add', 'online']);
}

async function newNode(stage: Stage, name: string): Promise<WindowNode> {
  const node = new WindowNode(name);
  await stage.serve(node);
  return node;
}

function show(when: string, table: LockTableView): void {
  narrator.line('');
  narrator.line(when);
  const text = renderLocks([{ node: table.node, kind: 'table', table }], { nowMs: Date.now() });
  for (const line of text.trimEnd().split('\n')) narrator.line(`  ${line}`);
}

function tell(what: string, { result, errno, message }: OperationOutcome): void {
  narrator.line('');
  narrator.line(`${what}: ${result}${errno === undefined ? '' : ` (${errno})`}`);
  if (message !== '') for (const part of message.split('; ')) narrator.line(`  ${part}`);
}

async function main(): Promise<void> {
  narrator.say('Starting Temporal; the first time ever it has to be downloaded or built …');
  const stage = await Stage.open();
  try {
    await withDeviceHotplugLock(stage);
    await withoutDeviceHotplugLock(stage);
    await withKindTiming(stage);
  } finally {
    await stage.close();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(INTERRUPTED_STATUS));
try {
  await main();
  narrator.line('');
  narrator.done('All of it happened as it should.');
} catch (error) {
  narrator.failed('This did not happen as it should.');
  narrator.line(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
