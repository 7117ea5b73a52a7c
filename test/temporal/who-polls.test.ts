import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { whoPolls } from '../../src/temporal/who-polls.ts';

interface Poller {
  readonly identity: string;
  readonly lastAccessTime: { readonly seconds: number; readonly nanos: number };
}

/** A server that is asked about workflow pollers, then activity pollers; the last answer stays. */
function serverThatSays(...answers: readonly (readonly Poller[])[]): Client {
  let looks = 0;
  const describeTaskQueue = () => {
    const pollers = answers[Math.min(Math.floor(looks++ / 2), answers.length - 1)];
    return Promise.resolve({ pollers });
  };
  return { options: { namespace: 'n' }, connection: { workflowService: { describeTaskQueue } } } as unknown as Client;
}

const poller = (identity: string, seconds: number): Poller => ({ identity, lastAccessTime: { seconds, nanos: 0 } });

describe('who polls a task queue', () => {
  async function ask(client: Client): Promise<{ polls: readonly string[]; waited: readonly string[] }> {
    const waited: string[] = [];
    const options = { onWait: (seen: readonly string[]) => waited.push(...seen), silenceMs: 50, everyMs: 5 };
    return { polls: await whoPolls(client, 'q', options), waited };
  }

  it('nobody, at once, where the server remembers nobody', async () => {
    assert.deepEqual(await ask(serverThatSays([])), { polls: [], waited: [] });
  });

  it('nobody, where those that it remembers stay silent or are forgotten', async () => {
    for (const later of [[poller('gone', 100)], []]) {
      assert.deepEqual(await ask(serverThatSays([poller('gone', 100)], later)), { polls: [], waited: ['gone'] });
    }
  });

  it('whoever polls again, or newly, however wrong the clocks are', async () => {
    const before = [poller('gone', 100), poller('here', 50)];
    for (const now of [
      [poller('gone', 100), poller('here', 51)],
      [poller('gone', 100), poller('here', 50), poller('here', 50), poller('new', 1)],
    ]) {
      const { polls } = await ask(serverThatSays(before, now));
      assert.deepEqual(polls, [now.length === 2 ? 'here' : 'new']);
    }
  });
});
