/**
 * Plays the scenarios on a real server and writes their histories beside this file: `npm run record-histories`. Done when
 * a workflow has changed on purpose and no operation of the older kind can be in flight; otherwise use `patched()`.
 */
import { writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { nodeLocksWorkflowId, offlinePermitsWorkflowId } from '../../src/contract/names.ts';
import type { OperationStage } from '../support/operation-stage.ts';
import { SCENARIOS, scenarioStage } from './scenarios.ts';

describe('histories', function () {
  this.timeout(120_000);

  it('are recorded', async () => {
    const stage = await scenarioStage().open();
    const { ask, notifiers } = stage;
    for (const { name, prepare, start } of SCENARIOS) {
      stage.ask = ask;
      stage.notifiers = notifiers;
      stage.autoOnline = 'offline';
      prepare?.(stage);
      const run = await start(stage);
      await run.result();
      await save(stage, name, run.workflowId, run.runId);
    }
    await save(stage, 'nodeLocks', nodeLocksWorkflowId(stage.cluster, stage.node.name));
    await save(stage, 'offlinePermits', offlinePermitsWorkflowId(stage.cluster));
    await stage.close();
  });
});

async function save(stage: OperationStage, name: string, workflowId: string, runId?: string): Promise<void> {
  const history = await stage.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const text = `${JSON.stringify(JSON.parse(historyToJSON(history)), withoutStackTraces, 1)}\n`;
  await writeFile(new URL(`${name}.json`, import.meta.url), text);
}

/** They hold paths of the machine, and no workflow reads them. */
function withoutStackTraces(name: string, value: unknown): unknown {
  return name === 'stackTrace' ? undefined : value;
}
