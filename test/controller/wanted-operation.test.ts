import assert from 'node:assert/strict';
import type { Reason } from '../../src/contract/conditions.ts';
import { goalOf, isStepTowards, wantedOperation, type Goal } from '../../src/controller/wanted-operation.ts';
import type { MemoryBlockState, OperationType } from '../../src/kernel/memory-block.ts';
import type { Zone } from '../../src/kernel/zone.ts';
import { ALL_CAPABILITIES, blockOf } from '../support/block-fixtures.ts';

type Row = [goal: Goal, state: MemoryBlockState, zone: Zone | undefined, wanted: OperationType | Reason | 'nothing'];

const ROWS: readonly Row[] = [
  [undefined, 'absent', undefined, 'nothing'],
  [undefined, 'online', 'Normal', 'nothing'],
  [undefined, 'going-offline', 'Normal', 'nothing'],
  ['offline', 'absent', undefined, 'add'],
  ['offline', 'offline', undefined, 'nothing'],
  ['offline', 'online', 'Movable', 'offline'],
  ['offline', 'going-offline', 'Movable', 'offline'],
  ['online', 'absent', undefined, 'add'],
  ['online', 'offline', undefined, 'online'],
  ['online', 'online', 'Normal', 'nothing'],
  ['online', 'online', 'Movable', 'nothing'],
  ['online', 'online', 'none', 'nothing'],
  ['online', 'online', undefined, 'nothing'],
  ['online_kernel', 'absent', undefined, 'add'],
  ['online_kernel', 'offline', undefined, 'online'],
  ['online_kernel', 'online', 'DMA', 'nothing'],
  ['online_kernel', 'online', 'DMA32', 'nothing'],
  ['online_kernel', 'online', 'Normal', 'nothing'],
  ['online_kernel', 'online', 'Movable', 'ZoneMismatch'],
  ['online_kernel', 'online', 'none', 'ZoneMismatch'],
  ['online_kernel', 'online', undefined, 'Pending'],
  ['online_movable', 'offline', undefined, 'online'],
  ['online_movable', 'online', 'Movable', 'nothing'],
  ['online_movable', 'online', 'Normal', 'ZoneMismatch'],
  ['online_movable', 'online', 'none', 'ZoneMismatch'],
  ['online_movable', 'going-offline', 'Movable', 'online'],
  ['absent', 'online', 'Movable', 'offline'],
  ['absent', 'offline', undefined, 'remove'],
  ['absent', 'absent', undefined, 'nothing'],
  ['absent', 'going-offline', 'Movable', 'offline'],
];

describe('the operation that a block wants', () => {
  for (const [goal, state, zone, expected] of ROWS) {
    it(`${goal ?? 'nothing asked for'}: ${state}${zone ? ` in ${zone}` : ''} → ${expected}`, () => {
      const wanted = wantedOperation(goal, { state, ...(zone ? { zone } : {}) }, ALL_CAPABILITIES);
      const found = wanted.kind === 'operation' ? wanted.type : wanted.kind === 'blocked' ? wanted.reason : wanted.kind;
      assert.equal(found, expected);
      if (wanted.kind === 'operation') assert.ok(isStepTowards(wanted.type, goal));
    });
  }

  it('names what the driver cannot do', () => {
    const cannotAdd = wantedOperation('online', { state: 'absent' }, { ...ALL_CAPABILITIES, add: false });
    assert.equal(cannotAdd.kind === 'blocked' && cannotAdd.reason, 'AddNotSupported');
    for (const state of ['online', 'offline'] as const) {
      const can = { ...ALL_CAPABILITIES, online: false, offline: false };
      const wanted = wantedOperation(state === 'online' ? 'offline' : 'online', { state }, can);
      assert.equal(wanted.kind === 'blocked' && wanted.reason, 'Infeasible');
    }
  });

  it('takes a block that cannot be removed offline and leaves it there', () => {
    const can = { ...ALL_CAPABILITIES, remove: false };
    const online = wantedOperation('absent', { state: 'online', zone: 'Movable' }, can);
    assert.equal(online.kind === 'operation' && online.type, 'offline');
    assert.equal(wantedOperation('absent', { state: 'offline' }, can).kind, 'not-removable');
  });

  it('asks for nothing once deleted with Retain, and to be gone with Remove', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    assert.equal(goalOf(blockOf({ state: 'online' }, {}, { deletionTimestamp })), undefined);
    assert.equal(goalOf(blockOf({ state: 'online', deletionPolicy: 'Remove' }, {}, { deletionTimestamp })), 'absent');
    assert.equal(goalOf(blockOf({ state: 'online' })), 'online');
  });
});
