/** What the kubelet learns while the servers are away: not ready, and alive, because a restart would not help. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { endpointOf, isAlive, whyNotReady } from '../support/process-endpoints.ts';

const PROCESSES = ['operator-1', 'agent'];
const WATCHES: Readonly<Record<string, readonly string[]>> = {
  'operator-1': ['watch of MemoryBlock', 'watch of NodeMemory', 'watch of MemoryNotifier', 'watch of Node'],
  agent: ['watch of MemoryBlock', 'watch of NodeMemory'],
};
/** Reconnecting is tried every 10 s at least, and a look at Temporal takes 8 s at most. */
const NOTICED = { limitMs: 15_000, everyMs: 100 };

describe('health', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage({ operators: 1, private: true });
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  const untilReady = (name: string): Promise<unknown> =>
    eventually(`${name} is ready`, async () => (await whyNotReady(stage, name)) === undefined, NOTICED);
  const untilFailing = (name: string, checks: readonly string[]): Promise<unknown> =>
    eventually(
      `${name} is not ready, because of ${checks.join(', ')} and nothing else`,
      async () => {
        const why = await whyNotReady(stage, name);
        return why?.size === checks.length && checks.every((check) => why.has(check));
      },
      NOTICED,
    );
  const assertAlive = async (): Promise<void> => {
    for (const name of PROCESSES) assert.ok(await isAlive(stage, name), `${name} is alive`);
    assert.deepEqual(stage.unexpectedExits, []);
  };

  it('is good once everything runs', async () => {
    await Promise.all(PROCESSES.map(untilReady));
    await assertAlive();
  });

  it('tells that the API server is away, each watch by its name, and that it is back', async () => {
    const { controlPlane } = stage.environment;
    await controlPlane.killApiServer();
    await Promise.all(PROCESSES.map((name) => untilFailing(name, WATCHES[name] ?? [])));
    await assertAlive();
    await controlPlane.startApiServer();
    await Promise.all(PROCESSES.map(untilReady));
  });

  it('tells that Temporal is away, and that it is back', async () => {
    const { temporal } = stage.environment;
    await temporal.kill();
    await Promise.all(PROCESSES.map((name) => untilFailing(name, ['Temporal'])));
    await assertAlive();
    await temporal.start();
    await Promise.all(PROCESSES.map(untilReady));
  });

  it('ends as soon as a process is asked to end, before it has ended', async () => {
    const url = `${await endpointOf(stage, 'operator-1')}/readyz`;
    const answers: number[] = [];
    const stopped = stage.process('operator-1').stop();
    const ask = async (): Promise<boolean> => {
      const status = await fetch(url).then(
        (response) => response.status,
        () => 0,
      );
      answers.push(status);
      return status === 0;
    };
    await eventually('it does not answer any more', ask, { limitMs: 20_000, everyMs: 5 });
    await stopped;
    assert.ok(answers.includes(503), 'it has said so');
    assert.ok(!answers.slice(answers.indexOf(503)).includes(200), 'once not ready, it stays so');
  });
});
