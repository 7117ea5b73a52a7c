/** `memhp setup` as its users run it, on a namespace that is not there yet. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { TemporalNotSetUpError } from '../../src/contract/operation-starter.ts';
import { checkNamespace } from '../../src/temporal/check-namespace.ts';
import { startOperation } from '../../src/temporal/start-operation.ts';
import { TemporalOperationStarter } from '../../src/temporal/temporal-operation-starter.ts';
import { blockOf } from '../support/block-fixtures.ts';
import { eventually } from '../support/eventually.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import { operationRequest } from '../../src/controller/operation-request.ts';
import { BLOCK_SIZE } from '../support/scripted-node.ts';

describe('memhp setup', function () {
  this.timeout(60_000);
  const namespace = `setup-${randomUUID().slice(0, 8)}`;
  let address: string;
  let connection: Connection;
  let client: Client;

  before(async () => {
    ({ address } = await sharedTemporal());
    connection = await Connection.connect({ address });
    client = new Client({ connection, namespace });
  });
  after(() => connection.close());

  const setup = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
    runCommand(['node', 'bin/memhp.mjs', 'setup', ...args], {
      env: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, ...env },
      capture: true,
    });
  const request = () => operationRequest('online', 'setup', blockOf({ blockId: 32 }), BLOCK_SIZE);

  it('before: operators wait, and say what is to be done', async () => {
    const what = (error: Error): boolean =>
      error instanceof TemporalNotSetUpError && /no namespace setup-.*run `memhp setup`/.test(error.message);
    await assert.rejects(checkNamespace(client), what);
    await assert.rejects(new TemporalOperationStarter(client, 'setup').start(request()), what);
    const bare = new Client({ connection, namespace: 'temporal-system' });
    await assert.rejects(checkNamespace(bare), /lacks search attributes.*run `memhp setup`/);
  });

  it('says what is missing, makes it, and then has nothing to do', async () => {
    const missing = await setup(['--check']);
    assert.deepEqual([missing.status, missing.output.includes('missing: namespace setup-')], [1, true], missing.output);
    const made = await setup([]);
    assert.equal(made.status, 0, made.output);
    assert.match(
      made.output,
      /made: namespace .*168h\nmade: search attributes NodeName, .*\nNamespace setup-\S+ is ready\.\n/,
    );
    for (const args of [[], ['--check']]) {
      const again = await setup(args);
      assert.deepEqual([again.status, again.output], [0, `Namespace ${namespace} is ready: nothing was missing.\n`]);
    }
    await eventually('workers may begin', async () => {
      await checkNamespace(client);
      return true;
    });
    const workflowId = 'setup/memoryblock/worker-1/32';
    await startOperation(client, { workflowId, request: request() });
    await client.workflow.getHandle(workflowId).terminate();
  });

  it('can be run from several places at once', async () => {
    const env = { TEMPORAL_NAMESPACE: `${namespace}-many` };
    const all = await Promise.all([1, 2, 3].map(() => setup([], env)));
    assert.deepEqual(
      all.map(({ status }) => status),
      [0, 0, 0],
      all.map(({ output }) => output).join('\n'),
    );
  });

  it('refuses a retention that is too short, and gives up on a server that is not there', async () => {
    const short = await setup(['--retention', '12']);
    assert.deepEqual([short.status, short.output.includes('at least 24')], [2, true], short.output);
    const away = await setup(['--timeout', '1'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    assert.deepEqual([away.status, away.output.includes('cannot be reached at 127.0.0.1:1')], [2, true], away.output);
  });
});
