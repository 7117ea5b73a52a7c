/** The lock service's side of a cluster without an API server: NodeMemory.status.lockService is a variable. */
import type { Client } from '@temporalio/client';
import type {
  AuditLockReleaseInput,
  LockServiceActivities,
  ReportLockdepInput,
} from '../../src/contract/activities.ts';
import { claimEpoch, type LockServiceRecord } from '../../src/kernel/lock-epoch.ts';
import { closedRuns } from '../../src/temporal/closed-runs.ts';
import { recoverLockTable } from '../../src/temporal/recover-lock-table.ts';

export class LockServiceRecords {
  readonly reports: ReportLockdepInput[] = [];
  readonly releases: AuditLockReleaseInput[] = [];
  readonly records = new Map<string, LockServiceRecord>();
  /** Epoch of the highest token that each node has seen. */
  readonly floors = new Map<string, number>();
  nodeIsOver: string | undefined;
  /** Awaited before earlier histories are read. */
  beforeRecovery: () => Promise<unknown> = () => Promise.resolve();
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  readonly activities: LockServiceActivities = {
    claimLockService: (claim) => {
      const record = claimEpoch(this.records.get(claim.node), claim, this.floors.get(claim.node) ?? 0);
      this.records.set(claim.node, record);
      return Promise.resolve(record);
    },
    recordRecovered: ({ node, record }) => {
      if (this.records.get(node)?.runId === record.runId) this.records.set(node, record);
      return Promise.resolve();
    },
    recoverLockTable: async (input) => {
      await this.beforeRecovery();
      return recoverLockTable(this.#client, input);
    },
    describeHolders: async ({ holders }) => ({
      closed: await closedRuns(this.#client, holders),
      ...(this.nodeIsOver === undefined ? {} : { nodeIsOver: this.nodeIsOver }),
    }),
    reportLockdep: (input) => {
      this.reports.push(input);
      return Promise.resolve();
    },
    auditLockRelease: (input) => {
      this.releases.push(input);
      return Promise.resolve();
    },
  };
}
