/** A plugin on a Temporal task queue, asked by a workflow of this process as an operation would ask it. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import proto from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ASK_PLUGIN_WORKFLOW, type AskPluginInput } from '../contract/ask-plugin.ts';
import { commandTaskQueue } from '../contract/names.ts';
import type { MemoryNotify, NotifierReply } from '../contract/notifier.ts';
import { notifierUnderTest } from '../plugins/conformance/notifier-under-test.ts';
import type { PluginUnderTest } from '../plugins/conformance/plugin-under-test.ts';
import { connectClient } from './connect-client.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface TaskQueueAddress {
  readonly taskQueue: string;
  /** Type of the activity. */
  readonly activity: string;
}

type AskPlugin = (input: AskPluginInput) => Promise<NotifierReply>;

/** In front of the ids of workflows and of the task queue, where operations have the cluster's. */
const CLUSTER = 'plugin-test';

/** Rejects with an Error that says what to do when there is no server, or no worker on the queue. */
export async function taskQueueUnderTest(address: TaskQueueAddress, timeoutMs: number): Promise<PluginUnderTest> {
  const { client, close } = await connectClient();
  try {
    await findWorker(client, address.taskQueue);
    const workflowQueue = commandTaskQueue(CLUSTER, randomUUID().slice(0, 8));
    const serving = await serveWorkflows(workflowQueue);
    const notifier = notifierUnderTest({ kind: 'taskQueue', ...address }, timeoutMs);
    let asked = 0;
    return {
      ask: (event: MemoryNotify) =>
        client.workflow.execute<AskPlugin>(ASK_PLUGIN_WORKFLOW, {
          workflowId: `${workflowQueue}/${String(++asked)}`,
          taskQueue: workflowQueue,
          args: [{ notifier, event, withinMs: Date.parse(event.deadline) - Date.now() }],
        }),
      checks: [],
      close: async () => {
        await serving.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A queue without a worker would let every call run into its timeout. */
async function findWorker(client: Client, taskQueue: string): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  if (pollers.length > 0) return;
  throw new Error(
    `no worker takes activities from task queue ${taskQueue} in namespace ${client.options.namespace}; start the ` +
      'plugin, and check the name of the queue and TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE on both sides',
  );
}

async function serveWorkflows(taskQueue: string): Promise<{ stop(): Promise<void> }> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const worker = await Worker.create({ connection, namespace, taskQueue, workflowBundle: await workflowBundle() });
    const serving = worker.run();
    return {
      stop: async () => {
        worker.shutdown();
        await serving;
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
