/** The examples of docs/using-the-locks.md, run as they stand there. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, registered } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const M = 'mem_hotplug_lock';
/** What the example's imports name in an installed package. */
const SOURCES = {
  'memory-hotplug-operator/workflow': 'workflows/online-mems.ts',
  'memory-hotplug-operator/locks': 'src/temporal/lock-activities.ts',
};

describe('docs/using-the-locks.md', function () {
  this.timeout(60_000);
  let page: string;
  let directory: string;
  let worker: ChildProcess;
  let stage: OperationStage;

  before(async () => {
    page = await readFile(path.join(REPOSITORY, 'docs/using-the-locks.md'), 'utf8');
    // Inside the repository, so that the SDK is found from there.
    await mkdir(path.join(REPOSITORY, 'out'), { recursive: true });
    directory = await mkdtemp(path.join(REPOSITORY, 'out', 'foreign-'));
    for (const name of ['workflows.ts', 'worker.ts']) await writeFile(path.join(directory, name), example(name));
    // A scan that goes on until the test has it end.
    await writeFile(
      path.join(directory, 'activities.ts'),
      `import { existsSync } from 'node:fs';
       import { setTimeout as delay } from 'node:timers/promises';
       export async function scan(node: string): Promise<string> {
         while (!existsSync(${JSON.stringify(path.join(directory, 'end'))})) await delay(50);
         return 'scanned ' + node;
       }`,
    );
    const { address } = await sharedTemporal();
    worker = spawn(process.execPath, [path.join(directory, 'worker.ts')], {
      env: { ...process.env, TEMPORAL_ADDRESS: address },
      stdio: ['ignore', 'ignore', process.env['MEMHP_LOG_LEVEL'] === undefined ? 'ignore' : 'inherit'],
    });
  });
  after(async () => {
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true });
  });

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 30: 'offline' })).open();
  });
  afterEach(async () => {
    await letScansEnd();
    await stage.close();
    await rm(path.join(directory, 'end'), { force: true });
  });

  /** The code block of the page that begins with this file's name. */
  function example(name: string): string {
    const [, source] = new RegExp(`\`\`\`ts\\n// ${name}\\n(.*?)\`\`\``, 's').exec(page) ?? [];
    assert.ok(source, `no example ${name}`);
    return Object.entries(SOURCES).reduce(
      (text, [specifier, file]) =>
        text.replace(
          `'${specifier}'`,
          // The bundler wants a path, Node a URL.
          `'${name === 'worker.ts' ? pathToFileURL(path.join(REPOSITORY, file)).href : path.join(REPOSITORY, file)}'`,
        ),
      source,
    );
  }

  const letScansEnd = (): Promise<void> => writeFile(path.join(directory, 'end'), '');

  async function scan(purposeOf: { causedBy?: string } = {}) {
    const input = { cluster: stage.cluster, node: 'worker-1', ...purposeOf };
    return stage.client.workflow.start('scanNode', { taskQueue: 'scans', workflowId: randomUUID(), args: [input] });
  }
  const online = (): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId: 30, onlineType: 'online_movable' },
  });

  async function untilHolding(runId: string): Promise<unknown> {
    return eventually('it holds mem_hotplug_lock', async () =>
      (await stage.lockTable()).locks.some(
        ({ name, holders }) => name === M && holders.some((party) => party.runId === runId && party.mode === 'read'),
      ),
    );
  }
  async function untilWaitingForM(runId: string): Promise<unknown> {
    return eventually('it waits for mem_hotplug_lock', async () =>
      (await stage.lockTable()).locks.some(
        ({ name, waiters }) => name === M && waiters.some((party) => party.runId === runId),
      ),
    );
  }

  it('a workflow of another worker holds memory in place; a waiting writer turns the next reader away', async () => {
    const first = await scan();
    await untilHolding(first.firstExecutionRunId);
    const onlining = await stage.start(online());
    await untilWaitingForM(onlining.runId);
    const second = await scan();
    await untilWaitingForM(second.firstExecutionRunId);
    assert.deepEqual(stage.node.steps, [], 'nothing has changed on the node');
    const going = stage.node.holdAt('online.commit');
    await letScansEnd();
    assert.equal(await first.result(), 'scanned worker-1');
    await going.reached;
    await untilWaitingForM(second.firstExecutionRunId);
    going.letGo();
    assert.equal((await onlining.result()).result, 'Succeeded');
    assert.equal(await second.result(), 'scanned worker-1');
  });

  it('two readers share', async () => {
    const readers = await Promise.all([scan(), scan()]);
    for (const reader of readers) await untilHolding(reader.firstExecutionRunId);
    await letScansEnd();
    for (const reader of readers) await reader.result();
  });

  it('a reader that is cancelled while it waits leaves nothing behind', async () => {
    const going = stage.node.holdAt('online.commit');
    const onlining = await stage.start(online());
    await going.reached;
    const reader = await scan();
    await untilWaitingForM(reader.firstExecutionRunId);
    await reader.cancel();
    await assert.rejects(reader.result(), WorkflowFailedError);
    going.letGo();
    assert.equal((await onlining.result()).result, 'Succeeded');
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  });

  it('a workflow that a plugin starts for the operation that asks it gets EDEADLK instead of waiting for that operation', async () => {
    stage.notifiers = [registered('scanner')];
    const failures: unknown[] = [];
    stage.ask = async (_notifier, event) => {
      if (event.action === 'MEM_GOING_ONLINE') {
        const scanning = await scan({ causedBy: event.workflowId });
        await scanning.result().catch((error: unknown) => failures.push(error));
      }
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    const onlined = await (await stage.start(online())).result();
    assert.equal(onlined.result, 'Succeeded', onlined.message);
    const [failure] = failures;
    assert.ok(failure instanceof WorkflowFailedError && failure.cause instanceof ApplicationFailure);
    assert.equal(failure.cause.type, 'EDEADLK');
    assert.match(failure.cause.message, /scan of worker-1 .* waits for mem_hotplug_lock/);
    assert.match(failure.cause.message, /online memory30 holds .*mem_hotplug_lock and waits for its plugin/);
  });

  it('its commands bring a CPU online and add device memory', async () => {
    const { temporal } = await acquireTools(['temporal']);
    const { address } = await sharedTemporal();
    const commands = [...page.matchAll(/```sh\n(temporal workflow execute .*?)```/gs)].map(
      ([, command = '']) => command,
    );
    const env = {
      PATH: `${path.dirname(temporal)}${path.delimiter}${process.env['PATH'] ?? ''}`,
      HOME: directory,
      TEMPORAL_ADDRESS: address,
      CLUSTER: stage.cluster,
    };
    const results: string[] = [];
    for (const command of commands) {
      const { stdout } = await promisify(execFile)('sh', ['-c', `${command.trimEnd()} --output json`], { env });
      results.push((JSON.parse(stdout) as { result: { message: string } }).result.message);
    }
    assert.deepEqual(results, ['cpu1 is online', 'added 1Gi of device memory at 0x200000000']);
  });
});
