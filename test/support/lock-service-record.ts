/** The lock service's side of a cluster without an API server: NodeMemory.status.lockService is a variable. */
import type { Client } from '@temporalio/client';
import type {
  AuditLockReleaseInput,
  LockServiceActivities,
  ReportLockdepInput,
} from '../../src/contract/activities.ts';
import type { LockServiceRecord } from '../../src/kernel/lock-epoch.ts';
import { claimOrRefuse } from '../../src/operator/claim-lock-service.ts';
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
  /** As for a run that visibility does not show yet. */
  isVisibilityEmpty = false;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  readonly activities: LockServiceActivities = {
    claimLockService: (claim) => {
      const record = claimOrRefuse(this.records.get(claim.node), claim, this.floors.get(claim.node) ?? 0);
      this.records.set(claim.node, record);
      return Promise.resolve(record);
    },
    recordRecovered: ({ node, record }) => {
      const recorded = this.records.get(node);
      if (recorded?.runId !== record.runId) return Promise.resolve('recorded');
      if (recorded.epoch !== record.epoch) return Promise.resolve('claim-again');
      this.records.set(node, record);
      return Promise.resolve('recorded');
    },
    recoverLockTable: async (input) => {
      await this.beforeRecovery();
      return recoverLockTable(this.isVisibilityEmpty ? withoutVisibility(this.#client) : this.#client, input);
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

function withoutVisibility({ options, workflow }: Client): Client {
  const getHandle = workflow.getHandle.bind(workflow);
  return { options, workflow: { getHandle, list: () => [] } } as unknown as Client;
}
