/** The simulated node as a pure function: what a crash, a repeat or a stale run can and cannot do to it. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DriverCall, DriverResult, DriverStep } from '../../src/contract/driver.ts';
import type { SimulatedSpec } from '../../src/contract/resources.ts';
import { parseBehaviour } from '../../src/drivers/simulated/behaviour.ts';
import { boot } from '../../src/drivers/simulated/boot.ts';
import { JOURNAL_ENTRIES_MAX } from '../../src/drivers/journal.ts';
import type { SimulatedState, StepSurroundings } from '../../src/drivers/simulated/state.ts';
import { takeStep } from '../../src/drivers/simulated/step.ts';
import { blockRange, driverCall, TEST_BLOCK_BYTES, type CallParts } from '../support/driver-run.ts';
import { SMALL_NODE } from '../support/simulated-driver.ts';

/** A node in memory that can be called step by step at a chosen time. */
class Model {
  state: SimulatedState;
  around: StepSurroundings;

  constructor(spec: SimulatedSpec = SMALL_NODE) {
    const behaviour = parseBehaviour(spec);
    this.around = { behaviour, nowMs: 1_000, interrupted: false };
    this.state = boot(undefined, behaviour.boot, 'boot-1');
  }

  call(step: DriverCall, around: Partial<StepSurroundings> = {}): DriverResult | { readonly waitMs: number } {
    const verdict = takeStep(this.state, step, { ...this.around, ...around });
    this.state = verdict.state;
    return 'result' in verdict ? verdict.result : { waitMs: verdict.waitMs };
  }

  /** `ok` or the errno. */
  answer(parts: Omit<CallParts, 'bootId'>, token = 1, around: Partial<StepSurroundings> = {}): string {
    const owner = { workflowId: 'w', runId: `run-${String(token)}` };
    const result = this.call(driverCall({ owner, bootId: 'boot-1', ...parts }, token), around);
    if (!('ok' in result)) return 'wait';
    return result.ok ? 'ok' : result.errno;
  }
}

describe('simulated add', () => {
  const add = (step: DriverStep, more: Partial<DriverCall> = {}) => ({
    operation: 'add' as const,
    step,
    range: blockRange(32, 2),
    ...more,
  });

  it('row 14: answers E2BIG beyond the addressable limit', () => {
    const model = new Model({ ...SMALL_NODE, maxBlockId: 31 });
    assert.equal(model.answer(add('prepare')), 'E2BIG');
  });

  it('rows 13 and 16: overlap is EEXIST, also when the range is unaligned as well', () => {
    const model = new Model();
    assert.equal(model.answer(add('prepare', { range: blockRange(7, 1) })), 'EEXIST');
    const unaligned = { start: 7 * TEST_BLOCK_BYTES + 4096, size: 4096 };
    assert.equal(model.answer(add('prepare', { range: unaligned }), 2), 'EEXIST');
  });

  it('rows 15 and 17: an unaligned or empty range and an impossible node are EINVAL and leave no claim', () => {
    const model = new Model();
    const bad = [
      { range: { start: 32 * TEST_BLOCK_BYTES + 1, size: TEST_BLOCK_BYTES } },
      { range: { start: 32 * TEST_BLOCK_BYTES, size: TEST_BLOCK_BYTES - 1 } },
      { range: { start: 32 * TEST_BLOCK_BYTES, size: 0 } },
      { numaNode: 3 },
    ];
    bad.forEach((each, index) => {
      assert.equal(model.answer(add('prepare', each), index + 1), 'EINVAL');
    });
    assert.deepEqual(model.state.claims, []);
  });

  it('row 19: an abort takes away exactly what this run created', () => {
    const spec = {
      ...SMALL_NODE,
      errors: [{ operation: 'add', step: 'commit', errno: 'ENOMEM', range: '33' }],
    } as const;
    const model = new Model(spec);
    const before = model.state.blocks;
    assert.equal(model.answer(add('prepare')), 'ok');
    assert.equal(model.answer(add('commit', { blockId: 32 })), 'ok');
    assert.equal(model.answer(add('commit', { blockId: 33 })), 'ENOMEM');
    assert.equal(model.answer(add('abort')), 'ok');
    assert.deepEqual(model.state.blocks, before);
    assert.deepEqual(model.state.claims, []);
  });

  it('keeps other adds out of its range until it finishes, unless its run has lost the lock', () => {
    const model = new Model();
    const lockless = { tokens: {}, withoutDeviceHotplugLock: true };
    assert.equal(model.answer(add('prepare', lockless), 1), 'ok');
    assert.equal(model.answer(add('prepare', lockless), 2), 'EEXIST');
    const locked = new Model();
    assert.equal(locked.answer(add('prepare'), 1), 'ok');
    assert.equal(locked.answer(add('prepare'), 2), 'ok');
  });
});

describe('simulated remove', () => {
  it('rows 56 and 58: an online block is EBUSY, an absent one EINVAL, and nothing is removed', () => {
    const model = new Model({
      blocks: [
        { range: '40', state: 'online' },
        { range: '41', state: 'offline' },
      ],
    });
    const before = model.state.blocks;
    assert.equal(model.answer({ operation: 'remove', step: 'prepare', range: blockRange(40, 2) }), 'EBUSY');
    assert.equal(model.answer({ operation: 'remove', step: 'prepare', range: blockRange(41, 2) }, 2), 'EINVAL');
    assert.deepEqual(model.state.blocks, before);
  });

  it('rows 57 and 60: the mapping outlives the device; after finish the range can be added again', () => {
    const model = new Model({ blocks: [{ range: '40', state: 'offline' }] });
    const range = blockRange(40, 1);
    assert.equal(model.answer({ operation: 'remove', step: 'prepare', range }), 'ok');
    assert.equal(model.answer({ operation: 'remove', step: 'commit', range, blockId: 40 }), 'ok');
    const lockless = { tokens: {}, withoutDeviceHotplugLock: true, operation: 'add', step: 'prepare', range } as const;
    assert.equal(model.answer(lockless, 2), 'EEXIST');
    assert.equal(model.answer({ operation: 'remove', step: 'finish', range }), 'ok');
    assert.equal(model.answer(lockless, 3), 'ok');
  });
});

describe('simulated offline', () => {
  const offline = (step: DriverStep, more: Partial<DriverCall> = {}) => ({
    operation: 'offline' as const,
    step,
    blockId: 40,
    ...more,
  });

  it('rows 48 and 49: holes and unmovable pages are refused at once, and the block stays online', () => {
    for (const [knob, errno] of [
      ['holes', 'EINVAL'],
      ['unmovable', 'EBUSY'],
    ] as const) {
      const model = new Model({ ...SMALL_NODE, [knob]: '40' });
      assert.equal(model.answer(offline('prepare')), errno);
      assert.equal(model.state.blocks[40]?.state, 'online');
    }
  });

  it('row 50: a page found unmovable while migrating is EBUSY from commit', () => {
    const model = new Model({ ...SMALL_NODE, pinned: '40' });
    assert.deepEqual(
      ['prepare', 'commit', 'abort', 'finish'].map((step) => model.answer(offline(step as DriverStep))),
      ['ok', 'EBUSY', 'ok', 'ok'],
    );
    assert.equal(model.state.blocks[40]?.state, 'online');
  });

  it('rows 52 and 53: a signal, or the time that offline may take, ends migration with EINTR', () => {
    const model = new Model({ ...SMALL_NODE, migrationMs: 10_000 });
    model.answer(offline('prepare'));
    assert.equal(model.answer(offline('commit'), 1, { nowMs: 1_000 }), 'wait');
    assert.equal(model.answer(offline('commit'), 1, { nowMs: 2_000, interrupted: true }), 'EINTR');
    const timed = new Model({ ...SMALL_NODE, migrationMs: 10_000 });
    timed.answer(offline('prepare'));
    assert.equal(timed.answer(offline('commit', { timeoutMs: 3_000 }), 1, { nowMs: 1_000 }), 'wait');
    assert.equal(timed.answer(offline('commit', { timeoutMs: 3_000 }), 1, { nowMs: 3_999 }), 'wait');
    assert.equal(timed.answer(offline('commit', { timeoutMs: 3_000 }), 1, { nowMs: 4_000 }), 'EINTR');
  });

  it('counts migration from its first attempt, whatever happens to the agent', () => {
    const model = new Model({ ...SMALL_NODE, migrationMs: 10_000 });
    model.answer(offline('prepare'));
    model.answer(offline('commit'), 1, { nowMs: 1_000 });
    model.state = JSON.parse(JSON.stringify(model.state)) as SimulatedState;
    assert.deepEqual(
      model.call(driverCall({ ...offline('commit'), bootId: 'boot-1', owner: { workflowId: 'w', runId: 'run-1' } }), {
        nowMs: 9_000,
      }),
      { waitMs: 2_000 },
    );
    assert.equal(model.answer(offline('commit'), 1, { nowMs: 11_000 }), 'ok');
  });

  it('cannot be committed after an abort, nor undone after the point of no return', () => {
    const model = new Model();
    for (const step of ['prepare', 'abort'] as const) assert.equal(model.answer(offline(step)), 'ok');
    assert.equal(model.answer(offline('commit')), 'EINVAL');
    const other = new Model();
    for (const step of ['prepare', 'commit', 'abort', 'finish'] as const)
      assert.equal(other.answer(offline(step)), 'ok');
    assert.equal(other.state.blocks[40]?.state, 'offline');
  });
});

describe('simulated online', () => {
  it('row 39: a poisoned page is EHWPOISON and the block stays offline', () => {
    const model = new Model({ blocks: [{ range: '40', state: 'offline' }], poisoned: '40' });
    assert.equal(model.answer({ operation: 'online', step: 'prepare', blockId: 40 }), 'EHWPOISON');
    assert.deepEqual(model.state.blocks[40], { state: 'offline', numaNode: 0 });
  });

  it('settles what a run left behind only for a run that holds the locks after it', () => {
    const model = new Model({ blocks: [{ range: '40', state: 'offline' }] });
    const online = (step: DriverStep) => ({
      operation: 'online' as const,
      step,
      blockId: 40,
      onlineType: 'online' as const,
    });
    assert.equal(model.answer(online('prepare'), 5), 'ok');
    const sameTokens = driverCall({ ...online('prepare'), bootId: 'boot-1' }, 5);
    const lockless = {
      ...sameTokens,
      tokens: { ...sameTokens.tokens, 'device_lock/memory40': 5 },
      owner: { workflowId: 'w', runId: 'x' },
    };
    assert.equal((model.call(lockless) as { errno?: string }).errno, 'ESTALE');
    assert.equal(model.answer(online('prepare'), 6), 'ok');
    assert.equal(model.answer(online('commit'), 6), 'ok');
    assert.equal(model.answer(online('commit'), 5), 'ESTALE');
    assert.equal(model.answer(online('prepare'), 7), 'ok', 'a committed online is taken over');
    assert.equal(model.answer(online('commit'), 7), 'ok');
    assert.equal(model.answer(online('finish'), 7), 'ok');
    assert.equal(model.state.blocks[40]?.state, 'online');
    assert.deepEqual(
      model.state.unwrittenEffects.map(({ change, runId }) => [change, runId]),
      [['pages-online', 'run-6']],
    );
  });
});

describe('simulated fencing and journal', () => {
  const anyCall = fc
    .record({
      operation: fc.constantFrom('add' as const, 'online' as const, 'offline' as const, 'remove' as const),
      step: fc.constantFrom<DriverStep>('prepare', 'commit', 'finish', 'abort'),
      blockId: fc.constantFrom(7, 32, 33, 40),
      token: fc.integer({ min: 1, max: 4 }),
      run: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ operation, step, blockId, token, run }) => {
      const owner = { workflowId: 'w', runId: `run-${String(run)}` };
      const about = operation === 'add' || operation === 'remove' ? { range: blockRange(32, 2) } : {};
      return driverCall({ operation, step, blockId, bootId: 'boot-1', owner, ...about }, token);
    });
  const calls = fc.array(anyCall, { maxLength: 40 });

  it('a repeat of any answered step answers the same and changes nothing', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const model = new Model();
        for (const call of sequence) {
          const first = model.call(call);
          const after = model.state;
          assert.deepEqual(model.call(call), first);
          assert.equal(model.state, after);
        }
      }),
    );
  });

  it('tokens only grow, and a refused call changes nothing at all', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const model = new Model();
        for (const call of sequence) {
          const before = model.state;
          const result = model.call(call);
          if ('ok' in result && !result.ok && result.errno === 'ESTALE') assert.equal(model.state, before);
          for (const [lock, { token }] of Object.entries(before.tokens)) {
            assert.ok((model.state.tokens[lock]?.token ?? 0) >= token);
          }
        }
      }),
    );
  });

  it('effects tell the whole truth: replayed, they give the pages that are online', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const model = new Model();
        const existing = new Set(Object.keys(model.state.blocks).map(Number));
        for (const call of sequence) model.call(call);
        for (const { change, blockId = -1 } of model.state.unwrittenEffects) {
          if (change === 'created') existing.add(blockId);
          if (change === 'removed') existing.delete(blockId);
        }
        assert.deepEqual([...existing].sort(), Object.keys(model.state.blocks).map(Number).sort());
        assert.deepEqual(
          model.state.unwrittenEffects.map(({ sequence: number }) => number),
          model.state.unwrittenEffects.map((_, index) => index + 1),
        );
      }),
    );
  });

  it('the journal stays bounded', () => {
    const model = new Model();
    for (let token = 1; token <= JOURNAL_ENTRIES_MAX + 10; token++) {
      model.answer({ operation: 'online', step: 'prepare', blockId: 7 }, token);
    }
    assert.equal(model.state.journal.length, JOURNAL_ENTRIES_MAX);
  });

  it('a run learns what it did even after its lock has passed on, but not after a reboot', () => {
    const model = new Model();
    const step = { operation: 'offline', step: 'prepare', blockId: 40 } as const;
    assert.equal(model.answer(step, 1), 'ok');
    assert.equal(model.answer({ ...step, step: 'abort' }, 2), 'ok');
    assert.equal(model.answer(step, 1), 'ok');
    assert.equal(model.answer({ ...step, step: 'commit' }, 1), 'ESTALE');
    model.state = boot(model.state, model.around.behaviour.boot, 'boot-2');
    assert.equal(model.answer(step, 1), 'ESTALE');
  });
});
