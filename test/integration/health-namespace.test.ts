/** Somebody deletes the Temporal namespace: operator and agent say so at once, and end when their workers do. */
import assert from 'node:assert/strict';
import { describeExit } from '../../src/dev/supervise.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { isAlive, whyNotReady } from '../support/process-endpoints.ts';
import { runCommand } from '../support/run-command.ts';

const NAMESPACE = 'doomed';
const ENV = { TEMPORAL_NAMESPACE: NAMESPACE };
const OPERATOR = 'doomed-operator';
const AGENT = 'doomed-agent';
const PROCESSES = [OPERATOR, AGENT];
/** A server looks for deleted namespaces every few seconds, and is asked every 5 s. */
const NOTICED = { limitMs: 15_000, everyMs: 100 };
/** The SDK bears such an error for a minute from the begin of a poll; then the operator has 30 s to end. */
const ENDED = { limitMs: 100_000 };
/** A process that waits for the namespace looks for it every 10 s at least. */
const BACK = { limitMs: 30_000, everyMs: 100 };

describe('health without a Temporal namespace', function () {
  this.timeout(150_000);
  let stage: OperatorStage;

  const setUp = async (): Promise<void> => {
    const env = { ...stage.environment.env, ...ENV };
    const { status, output } = await runCommand(['node', 'bin/memhp.mjs', 'setup'], { env, capture: true });
    assert.equal(status, 0, output);
  };

  before(async () => {
    stage = await openOperatorStage({ operators: 0, private: true });
    await stage.process('agent').stop();
    await setUp();
    await Promise.all([stage.startOperator(OPERATOR, ENV), stage.startAgent(AGENT, ENV)]);
    await stage.createNode('worker-1');
    for (const name of PROCESSES) {
      await eventually(`${name} is ready`, async () => (await whyNotReady(stage, name)) === undefined, NOTICED);
    }
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  it('tells of it, and what to do, as soon as it is gone', async () => {
    await stage.temporal.connection.operatorService.deleteNamespace({ namespace: NAMESPACE });
    for (const name of PROCESSES) {
      await eventually(
        `${name} misses it`,
        async () => /no namespace doomed: .*memhp setup/.test((await whyNotReady(stage, name))?.get('Temporal') ?? ''),
        NOTICED,
      );
      assert.ok(await isAlive(stage, name));
    }
    // Polls that are under way learn of it now, not in a minute.
    await stage.environment.temporal.restart();
  });

  for (const name of PROCESSES) {
    it(`ends the ${name} when its workers have failed, in limited time, with their error as its last word`, async () => {
      const child = stage.process(name);
      await eventually(`${name} has ended`, () => !child.isRunning, ENDED);
      const report = await child.exited;
      assert.equal(report.status, 1, describeExit(report));
      assert.match(report.logTail.trimEnd().split('\n').at(-1) ?? '', /^memhp: Namespace doomed is not found/);
      const messages = (await stage.log(name)).map(({ message }) => message);
      assert.ok(messages.includes('cannot go on; shutting down'));
      assert.ok(!messages.includes('shutdown takes too long; giving up'));
    });
  }

  it('starts them again once the namespace is back', async () => {
    await Promise.all([stage.environment.startOperator({ name: OPERATOR, env: ENV }), stage.startAgent(AGENT, ENV)]);
    await setUp();
    for (const name of PROCESSES) {
      await eventually(`${name} is ready`, async () => (await whyNotReady(stage, name)) === undefined, BACK);
    }
  });
});
