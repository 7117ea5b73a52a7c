import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { keepLockServices } from '../../src/operator/keep-lock-services.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const CLUSTER = 'c';
const EVERY_MS = 10_000;

/** A server on which the entities of `closed` have ended, one run each, and that starts none of `unstartable`. */
class ScriptedServer {
  closed: readonly string[];
  readonly unstartable = new Set<string>();
  readonly #asked: string[] = [];

  constructor(closed: readonly string[]) {
    this.closed = closed;
  }

  get client(): Client {
    const list = () =>
      this.closed.map((node) => ({ workflowId: nodeLocksWorkflowId(CLUSTER, node), runId: `run of ${node}` }));
    const start = (_: string, { workflowId }: { workflowId: string }): Promise<void> => {
      const node = workflowId.slice(nodeLocksWorkflowId(CLUSTER, '').length);
      const isStarted = !this.unstartable.has(node);
      this.#asked.push(isStarted ? node : `${node} failed`);
      return isStarted ? Promise.resolve() : Promise.reject(new Error('unavailable'));
    };
    const withDeadline = <T>(_: number, call: () => T): T => call();
    return { workflow: { list, start }, withDeadline } as unknown as Client;
  }

  /** Whose entity was asked for since the last call: `node`, or `node failed`. */
  takeAsked(): readonly string[] {
    return this.#asked.splice(0);
  }
}

describe('keeping lock services', () => {
  it('one that cannot be started holds up no other, and is tried at every look until it can', async () => {
    const server = new ScriptedServer(['a', 'b', 'c']);
    server.unstartable.add('b');
    const clock = new FakeClock();
    const stop = new AbortController();
    const warned: unknown[] = [];
    const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
    const keeping = keepLockServices({
      client: server.client,
      cluster: CLUSTER,
      isNodeKnown: () => true,
      log: { ...silent, warn: (_, fields) => warned.push(fields) },
      signal: stop.signal,
      everyMs: EVERY_MS,
      clock,
    });
    const lookAgain = async (): Promise<readonly string[]> => {
      clock.advance(EVERY_MS);
      await eventually('it has looked', () => clock.pending === 1);
      return server.takeAsked();
    };
    await eventually('it has looked', () => clock.pending === 1);
    assert.deepEqual(server.takeAsked(), ['a', 'b failed', 'c']);
    assert.deepEqual(warned, [{ node: 'b', error: new Error('unavailable') }]);
    assert.deepEqual(await lookAgain(), ['b failed']);
    server.closed = [];
    assert.deepEqual(await lookAgain(), ['b failed'], 'although it ended too long ago to be found');
    server.unstartable.clear();
    assert.deepEqual(await lookAgain(), ['b']);
    assert.deepEqual(await lookAgain(), []);
    stop.abort();
    await keeping;
  });
});
