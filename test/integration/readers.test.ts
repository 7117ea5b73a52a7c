/** A process on the node that holds get_online_mems() keeps its memory as it is, visibly, and no longer than it lives. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { ReaderProcess } from '../support/reader-process.ts';
import { readyOf } from '../support/simulated-cluster.ts';

const NODE = 'read';

describe('readers on a node', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let reader: ReaderProcess | undefined;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(async () => {
    await reader?.kill();
    await stage.deleteNode(NODE);
  });

  it('an offline waits for memhp online-mems run, says for whom, and goes on when that is killed', async () => {
    reader = await ReaderProcess.memhp(path.join(stage.environment.nodesDirectory, NODE)).inside();
    const name = await stage.applyBlock({ nodeName: NODE, blockId: 4, state: 'offline' });
    const status = await stage.untilReason(name, 'WaitingForReaders');
    assert.match(
      readyOf(status)?.message ?? '',
      new RegExp(`sh \\(pid ${String(reader.pid)}\\) since \\d\\d:\\d\\d:\\d\\dZ`),
    );
    assert.equal(status.operation?.phase, 'WaitingForReaders');
    assert.equal(status.state, 'online');
    assert.deepEqual(await stage.effectsOf(NODE, 4), []);
    await reader.kill();
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(NODE, 4), ['pages-offline']);
  });
});
