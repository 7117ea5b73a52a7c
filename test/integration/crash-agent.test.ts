/** The agent is killed while processes of its node hold get_online_mems(); a second one waits until the first is gone. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { ReaderProcess } from '../support/reader-process.ts';

/** A step that has gone silent is noticed after 10 s. */
const NOTICED_LIMIT_MS = 40_000;

describe('an agent that is killed, and readers', function () {
  this.timeout(90_000);
  let stage: OperatorStage;
  const readers: ReaderProcess[] = [];

  before(async () => {
    stage = await openOperatorStage({ private: true, operators: 1 });
  });
  after(async function () {
    this.timeout(30_000);
    await Promise.all(readers.map((reader) => reader.kill()));
    await stage.close();
  });

  const startReader = (node: string): Promise<ReaderProcess> => {
    const reader = ReaderProcess.memhp(path.join(stage.environment.nodesDirectory, node));
    readers.push(reader);
    return reader.inside();
  };

  it('frees no reader that lives: the next agent waits for them, and for those that came in between', async () => {
    const node = await stage.createNode('killed-while-read');
    const first = await startReader(node);
    const name = await stage.applyBlock({ nodeName: node, blockId: 4, state: 'offline' });
    await stage.untilReason(name, 'WaitingForReaders');
    await stage.process('agent').kill();
    const between = await startReader(node);
    await stage.startAgent();
    await first.kill();
    await stage.untilBlock(
      name,
      'names the reader that came in between',
      ({ status }) => status?.conditions?.some(({ message }) => message.includes(`(pid ${String(between.pid)})`)),
      { limitMs: NOTICED_LIMIT_MS },
    );
    assert.deepEqual(await stage.effectsOf(node, 4), []);
    await between.kill();
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(node, 4), ['pages-offline']);
  });

  it('a second agent on the host touches nothing while the first lives, says who that is, and takes over', async () => {
    const node = await stage.createNode('served-twice');
    await stage.startAgent('second');
    const logged = async (message: string): Promise<Readonly<Record<string, unknown>> | undefined> =>
      (await stage.log('second')).find((line) => line['node'] === node && line['message'] === message);
    const { by } = await eventually('it waits', () =>
      logged('another agent serves this node; waiting until it is gone'),
    );
    assert.match(by as string, new RegExp(`\\(pid ${String(stage.process('agent').pid)}\\)`));
    assert.equal(await logged('serving node'), undefined);
    await stage.process('agent').kill();
    const name = await stage.applyBlock({ nodeName: node, blockId: 4, state: 'offline' });
    await eventually('it serves', () => logged('serving node'), { limitMs: 5_000 });
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(node, 4), ['pages-offline']);
  });
});
