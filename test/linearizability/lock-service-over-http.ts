/** The lock service's activities as the operator has them, but for the record, which is kept by the process that runs everything. */
import type { Client } from '@temporalio/client';
import type { LockServiceActivities } from '../../src/contract/activities.ts';
import { claimEpoch } from '../../src/kernel/lock-epoch.ts';
import { closedRuns } from '../../src/temporal/closed-runs.ts';
import { recoverLockTable } from '../../src/temporal/recover-lock-table.ts';
import { readRecord, writeRecord } from './lock-record-server.ts';

export function lockServiceOverHttp(client: Client, records: string): LockServiceActivities {
  return {
    claimLockService: async (claim) => {
      const { record, version } = await readRecord(records, claim.node);
      const next = claimEpoch(record, claim, 0);
      await writeRecord(records, claim.node, { version, record: next });
      return next;
    },
    recordRecovered: async ({ node, record: { epoch, runId } }) => {
      const { record, version } = await readRecord(records, node);
      if (record?.runId !== runId) return 'recorded';
      if (record.epoch !== epoch) return 'claim-again';
      await writeRecord(records, node, { version, record: { epoch, runId } });
      return 'recorded';
    },
    recoverLockTable: (input) => recoverLockTable(client, input),
    describeHolders: async ({ holders }) => ({ closed: await closedRuns(client, holders) }),
    reportLockdep: () => Promise.resolve(),
    auditLockRelease: () => Promise.resolve(),
  };
}
