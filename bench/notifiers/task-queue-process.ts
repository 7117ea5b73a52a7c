/** A plugin that is a Temporal activity and agrees at once: `node task-queue-process.ts <address> <task queue>`. */
import { NativeConnection, Worker } from '@temporalio/worker';
import type { NotifierAnswer } from '../../src/contract/notifier.ts';
import { createLogger } from '../../src/process/create-logger.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';

const [address = '', taskQueue = ''] = process.argv.slice(2);
installRuntime(createLogger({ process: 'plugin', level: 'error', format: 'text' }));
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  activities: { notify: (): Promise<NotifierAnswer> => Promise.resolve({ result: 'NOTIFY_OK' }) },
});
const running = worker.run();
console.log('ready');
await running;
