/** The shell around the model: time, cancellation, and what is done by hand. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriverClosedError } from '../../src/drivers/driver-closed-error.ts';
import type { Effect } from '../../src/drivers/simulated/state.ts';
import { tokenOf } from '../../src/kernel/token.ts';
import { OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';
import { eventually } from '../support/eventually.ts';
import { SMALL_NODE, startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';

const HOUR_MS = 3_600_000;

describe('simulated driver', () => {
  let node: SimulatedNode;
  afterEach(async () => {
    await node.remove();
  });

  const stateOf = async (blockId: number): Promise<string | undefined> =>
    (await node.driver.inspect([blockId])).blocks[0]?.state;
  const prepareOffline = async (): Promise<OperationRun> => {
    const { bootId } = await node.driver.inspect([]);
    const run = new OperationRun(node.driver, 1, { operation: 'offline', blockId: 40, bootId });
    assert.ok((await run.step('prepare')).ok);
    return run;
  };
  const byHand = (name: string, word: string): void => {
    writeFileSync(join(node.directory, 'by-hand', name), `${word}\n`);
  };

  it('answers EINTR as soon as a migration is cancelled', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, migrationMs: HOUR_MS });
    const run = await prepareOffline();
    const cancellation = new AbortController();
    const heartbeats: string[] = [];
    const committing = run.step(
      'commit',
      {},
      { signal: cancellation.signal, heartbeat: (text) => heartbeats.push(text) },
    );
    await eventually('a heartbeat', () => heartbeats.length > 0);
    cancellation.abort();
    const result = await committing;
    assert.equal(result.ok ? 'ok' : result.errno, 'EINTR');
    assert.match(heartbeats[0] ?? '', /migrating memory40/);
  });

  it('settle ends a migration, and answers when it has stopped and the block is what it was', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, migrationMs: HOUR_MS });
    const run = await prepareOffline();
    const order: string[] = [];
    const committing = run.step('commit').then((result) => order.push(result.ok ? 'ok' : result.errno));
    await node.driver.settle({ tokens: { mem_hotplug_lock: 1 } });
    order.push('settled');
    await committing;
    assert.deepEqual(order, ['ESTALE', 'settled']);
    assert.equal(await stateOf(40), 'online');
  });

  it('settle does not wait for a step that has not begun, nor for one of another run', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, stepDelayMs: HOUR_MS });
    const { bootId } = await node.driver.inspect([]);
    const parts = { operation: 'offline', blockId: 40, bootId } as const;
    const delayed = new OperationRun(node.driver, 1, parts).step('prepare');
    const alive = new OperationRun(node.driver, 2, parts).step('prepare');
    await node.driver.settle({ tokens: { mem_hotplug_lock: 1 } });
    const result = await delayed;
    assert.equal(result.ok ? 'ok' : result.errno, 'ESTALE');
    node.driver.configure(SMALL_NODE);
    await Promise.all([node.driver.close(), assert.rejects(alive, DriverClosedError)]);
  });

  it('tells the epoch of the highest token, or of the floor, also after a reboot', async () => {
    node = startSimulatedNode();
    assert.equal((await node.driver.status()).fencingEpoch, undefined);
    const { bootId } = await node.driver.inspect([]);
    await new OperationRun(node.driver, tokenOf(3, 7), { operation: 'offline', blockId: 40, bootId }).step('prepare');
    assert.equal((await node.driver.status()).fencingEpoch, 3);
    await node.driver.settle({ below: tokenOf(5, 0) });
    node.driver.reboot();
    assert.equal((await node.driver.status()).fencingEpoch, 5);
  });

  it('ends a migration at once when its duration is shortened', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, migrationMs: HOUR_MS });
    const run = await prepareOffline();
    const committing = run.step('commit');
    node.driver.configure(SMALL_NODE);
    assert.deepEqual(await committing, { ok: true });
  });

  it('lets a second attempt of the same step join the first', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, migrationMs: HOUR_MS });
    const run = await prepareOffline();
    const attempts = [run.step('commit'), run.step('commit')];
    node.driver.configure(SMALL_NODE);
    assert.deepEqual(await Promise.all(attempts), [{ ok: true }, { ok: true }]);
    assert.equal(effects().length, 1);
  });

  it('throws out a step under way when it closes, so that the next driver can go on', async () => {
    node = startSimulatedNode({ ...SMALL_NODE, migrationMs: HOUR_MS });
    const run = await prepareOffline();
    const committing = run.step('commit', {}, UNINTERRUPTED);
    await Promise.all([assert.rejects(committing, DriverClosedError), node.driver.close()]);
    assert.equal(await stateOf(40), 'going-offline');
  });

  it('does by hand what a file says, like a write to memoryN/state behind the back', async () => {
    node = startSimulatedNode();
    byHand('memory40', 'offline');
    await eventually('memory40 offline', async () => (await stateOf(40)) === 'offline');
    byHand('memory40', 'online_movable');
    await eventually('memory40 online', async () => (await stateOf(40)) === 'online');
    assert.deepEqual(
      effects().map(({ step, change }) => [step, change]),
      [
        ['by-hand', 'pages-offline'],
        ['by-hand', 'pages-online'],
      ],
    );
    assert.equal(existsSync(join(node.directory, 'by-hand', 'memory40')), false);
  });

  it('refuses by hand what the kernel would refuse, and consumes the request', async () => {
    node = startSimulatedNode();
    byHand('memory0', 'offline');
    byHand('memory40', 'nonsense');
    await eventually('requests consumed', () =>
      ['memory0', 'memory40'].every((name) => !existsSync(join(node.directory, 'by-hand', name))),
    );
    assert.deepEqual([await stateOf(0), await stateOf(40)], ['online', 'online']);
    assert.deepEqual(effects(), []);
  });

  it('reboots by hand: another boot id, the layout as configured, calls of the old boot refused', async () => {
    node = startSimulatedNode();
    const run = await prepareOffline();
    const { bootId } = await node.driver.inspect([]);
    node.driver.configure({ blocks: [{ range: '0-3', state: 'online' }] });
    assert.equal(await stateOf(7), 'online', 'a new layout waits for the next boot');
    byHand('reboot', '');
    await eventually('another boot id', async () => (await node.driver.inspect([])).bootId !== bootId);
    assert.deepEqual([await stateOf(3), await stateOf(7), await stateOf(40)], ['online', 'absent', 'absent']);
    const result = await run.step('commit');
    assert.equal(result.ok ? 'ok' : result.errno, 'ESTALE');
  });

  it('does what it finds in the directory when it starts', async () => {
    node = startSimulatedNode();
    await node.driver.close();
    byHand('memory40', 'offline');
    const driver = await node.restart();
    assert.equal((await driver.inspect([40])).blocks[0]?.state, 'offline');
  });

  it('refuses a spec that cannot be read, naming the field', () => {
    node = startSimulatedNode();
    assert.throws(() => {
      node.driver.configure({ unmovable: 'seven' });
    }, /spec\.simulated\.unmovable: "seven"/);
  });

  function effects(): Effect[] {
    const file = join(node.directory, 'effects.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Effect);
  }
});
