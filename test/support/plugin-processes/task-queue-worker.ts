/**
 * A plugin that is a Temporal activity, `notify`: `node task-queue-worker.ts <directory> <task queue>`. In the directory: the
 * script of its answers, and the calls that it was made.
 */
import path from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { MemoryNotify } from '../../../src/contract/notifier.ts';
import { playScript, readScript } from '../plugin-script.ts';
import { installTestRuntime } from '../test-runtime.ts';

const [directory = '', taskQueue = ''] = process.argv.slice(2);
installTestRuntime();
const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
const worker = await Worker.create({
  connection: await NativeConnection.connect(connectionOptions),
  namespace,
  taskQueue,
  activities: {
    notify: (event: MemoryNotify) => playScript(readScript(directory), event, path.join(directory, 'calls.jsonl')),
  },
});
// What it holds, it holds for ever.
process.on('SIGTERM', () => process.exit());
console.log('ready');
await worker.run();
