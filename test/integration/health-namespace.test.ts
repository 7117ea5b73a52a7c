/** Somebody deletes the Temporal namespace: operator and agent say so at once, and the operator ends with that for a reason. */
import assert from 'node:assert/strict';
import { describeExit, type SupervisedChild } from '../../src/dev/supervise.ts';
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
/** A worker that cannot be started is tried again every 30 s at least, and a server looks for new namespaces now and then. */
const SERVED_AGAIN = { limitMs: 60_000 };

describe('health without a Temporal namespace', function () {
  this.timeout(150_000);
  let stage: OperatorStage;
  let operator: SupervisedChild;
  let agent: SupervisedChild;

  const setUp = async (): Promise<void> => {
    const env = { ...stage.environment.env, ...ENV };
    const { status, output } = await runCommand(['node', 'bin/memhp.mjs', 'setup'], { env, capture: true });
    assert.equal(status, 0, output);
  };

  before(async () => {
    stage = await openOperatorStage({ operators: 0, private: true });
    await stage.process('agent').stop();
    await setUp();
    [operator, agent] = await Promise.all([stage.startOperator(OPERATOR, ENV), stage.startAgent(AGENT, ENV)]);
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
  });

  it('ends an operator whose workers have failed, in limited time, with their error as its last word', async () => {
    // Polls that are under way learn of it now, not in a minute.
    await stage.environment.temporal.restart();
    await eventually('the operator has ended', () => !operator.isRunning, ENDED);
    const report = await operator.exited;
    assert.equal(report.status, 1, describeExit(report));
    assert.match(report.logTail.trimEnd().split('\n').at(-1) ?? '', /^memhp: Namespace doomed is not found/);
    const messages = (await stage.log(OPERATOR)).map(({ message }) => message);
    assert.ok(messages.includes('cannot go on; shutting down'));
    assert.ok(!messages.includes('shutdown takes too long; giving up'));
  });

  it('lets the agent wait for the namespace, and serve its node again once it is back', async () => {
    const failed = async () =>
      (await stage.log(AGENT)).find(({ message }) => message === 'worker of the node failed; starting it again');
    const line = await eventually('the worker of the node has failed', failed, ENDED);
    assert.match(String(line['error']), /Namespace doomed is not found/);
    assert.ok((await whyNotReady(stage, AGENT))?.has('nodes'));
    await setUp();
    await eventually('the agent is ready', async () => (await whyNotReady(stage, AGENT)) === undefined, SERVED_AGAIN);
    const report = await agent.stop();
    assert.equal(report.status, 0, describeExit(report));
  });
});
