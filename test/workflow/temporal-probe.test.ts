/** What a probe finds out about a real server, and about a worker of this process. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import type { Check } from '../../src/process/readiness.ts';
import { lastPollsOf } from '../../src/temporal/poller-lookup.ts';
import { probeTemporal, type TemporalProbe } from '../../src/temporal/temporal-probe.ts';
import { eventually } from '../support/eventually.ts';
import { sharedTemporal, type SharedTemporal } from '../support/shared-temporal.ts';

const RETENTION = { seconds: 86_400 as never };
/** A server looks for new and deleted namespaces every few seconds. */
const NAMESPACE_KNOWN = { limitMs: 20_000, everyMs: 100 };

describe('a probe of Temporal', function () {
  this.timeout(60_000);
  const namespace = `probed-${randomUUID()}`;
  let temporal: SharedTemporal;
  let worker: Worker;
  let probe: TemporalProbe;
  let check: Check;
  let running: Promise<void> | undefined;

  before(async () => {
    temporal = await sharedTemporal();
    const { native, client } = temporal;
    await client.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: RETENTION });
    worker = await eventually(
      'the namespace can be worked in',
      () =>
        Worker.create({
          connection: native,
          namespace,
          taskQueue: 'probed',
          activities: { rest: () => undefined },
        }).catch(() => undefined),
      NAMESPACE_KNOWN,
    );
    probe = probeTemporal({ ...temporal, namespace, close: () => Promise.resolve() });
    check = probe.watch(worker);
  });
  after(async () => {
    probe.stop();
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  });

  it('sees no polls of a worker that does not poll, and is not ready because of it', async () => {
    assert.deepEqual((await lastPollsOf(worker, temporal.native)).filter(Boolean), []);
    assert.equal(check().ok, false);
    assert.equal(probe.check().ok, true);
  });

  it('sees its polls, and those of no other, once it runs', async () => {
    running = worker.run();
    await eventually('the worker is ready', () => check().ok, NAMESPACE_KNOWN);
    const other = { options: { ...worker.options, identity: 'other' }, getStatus: () => worker.getStatus() };
    assert.deepEqual(await lastPollsOf(other as never, temporal.native), [undefined]);
  });

  it('says what to do when the namespace is deleted, long before the worker fails', async () => {
    await temporal.client.connection.operatorService.deleteNamespace({ namespace });
    await eventually('the namespace is missed', () => probe.check().message.includes('memhp setup'), NAMESPACE_KNOWN);
    assert.equal(probe.check().ok, false);
    assert.equal(worker.getStatus().runState, 'RUNNING');
  });
});
