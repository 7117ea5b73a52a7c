import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { EPOCH_REFUSED } from '../../src/contract/activities.ts';
import { NODE_MEMORIES } from '../../src/k8s/resource-kind.ts';
import type { LockServiceRecord } from '../../src/kernel/lock-epoch.ts';
import { EPOCH_MAX } from '../../src/kernel/token.ts';
import { createLockServiceClaims, readNodeMemory } from '../../src/operator/claim-lock-service.ts';
import { disownLockService } from '../../src/operator/disown-lock-service.ts';
import { StoredObjects } from '../support/stored-objects.ts';

const NODE = 'worker-1';

describe("the record of a node's lock service", () => {
  let objects: StoredObjects;
  beforeEach(async () => {
    objects = await new StoredObjects().listen();
  });
  afterEach(() => {
    objects.close();
  });

  const given = (lockService: LockServiceRecord | undefined, fencingEpoch: number): void => {
    const status = { driver: 'simulated', fencingEpoch, ...(lockService ? { lockService } : {}) };
    objects.put(NODE_MEMORIES, { metadata: { name: NODE }, status });
  };
  const recorded = async (): Promise<LockServiceRecord | undefined> =>
    (await readNodeMemory(objects.kubeConfig, NODE)).status?.lockService;
  const claims = () => createLockServiceClaims(objects.kubeConfig);

  it('is complete when what was to be found out was, and nobody has changed it since', async () => {
    given({ epoch: 5, runId: 'b', recovers: ['a'] }, 4);
    assert.equal(await claims().recordRecovered({ node: NODE, record: { epoch: 5, runId: 'b' } }), 'recorded');
    assert.deepEqual(objects.written, [NODE]);
  });

  it('says that it must be claimed again when all was disowned meanwhile; the note stays', async () => {
    given({ epoch: 5, runId: 'b', recovers: ['a'] }, 4);
    await disownLockService(objects.kubeConfig, NODE);
    const noted = { epoch: 6, runId: 'b', recovers: ['a'], isPredecessorLost: true };
    assert.deepEqual(await recorded(), noted);
    assert.equal(await claims().recordRecovered({ node: NODE, record: { epoch: 5, runId: 'b' } }), 'claim-again');
    assert.deepEqual(await recorded(), noted);
    const claim = { cluster: 'c', node: NODE, runId: 'b' };
    assert.deepEqual(await claims().claimLockService(claim), noted);
  });

  it('is left alone when another run has claimed it', async () => {
    given({ epoch: 6, runId: 'c', recovers: ['b'] }, 4);
    assert.equal(await claims().recordRecovered({ node: NODE, record: { epoch: 5, runId: 'b' } }), 'recorded');
    assert.deepEqual(objects.written, []);
  });

  it('is not written for an epoch that cannot be: where that may be told it is final, else it is tried again', async () => {
    given({ epoch: 5, runId: 'a' }, EPOCH_MAX);
    const claim = { cluster: 'c', node: NODE, runId: 'a' };
    for (const mayBeRefused of [true, undefined] as const) {
      await assert.rejects(
        claims().claimLockService({ ...claim, ...(mayBeRefused ? { mayBeRefused } : {}) }),
        (error: unknown) =>
          error instanceof ApplicationFailure &&
          error.type === EPOCH_REFUSED &&
          error.nonRetryable === (mayBeRefused === true) &&
          /no lock of worker-1 is granted: .*epoch 4194303.*docs\/restore\.md/.test(error.message),
      );
    }
    assert.deepEqual(objects.written, []);
    await disownLockService(objects.kubeConfig, NODE);
    assert.equal((await recorded())?.epoch, 6);
  });
});
