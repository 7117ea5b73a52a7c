/**
 * A worker process that may be killed at any moment: lock entities and clients.
 *
 *   node worker-process.ts <Temporal address> <cluster id> <bundle> <URL of the lock records>
 */
import type { OperationActivities } from '../../src/contract/activities.ts';
import { connectTemporal } from '../../src/temporal/connect-temporal.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { createWorkers } from '../../src/temporal/workers.ts';
import { installTestRuntime } from '../support/test-runtime.ts';
import { lockServiceOverHttp } from './lock-service-over-http.ts';

const [address, cluster, codePath, records] = process.argv.slice(2);
if (!address || !cluster || !codePath || !records)
  throw new Error('usage: worker-process.ts ADDRESS CLUSTER BUNDLE URL');

const temporal = await connectTemporal(installTestRuntime(), new AbortController().signal, { address });
if (!temporal) throw new Error('unreachable: nothing aborts this wait');

const workers = await createWorkers({
  connection: temporal.native,
  namespace: temporal.namespace,
  cluster,
  workflowBundle: { codePath },
  // Clients use the lock activities only.
  operationActivities: {} as OperationActivities,
  lockActivities: createLockActivities(temporal.client),
  lockServiceActivities: lockServiceOverHttp(temporal.client, records),
});
await Promise.all(workers.map((worker) => worker.run()));
