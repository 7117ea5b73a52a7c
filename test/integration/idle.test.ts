/** When there is nothing to do, the processes ask the API server for nothing: they only watch. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'idle';
/**
 * Absence has no condition to wait for, so this looks for a while: longer than every interval at which the operator looks
 * again while something runs (5 s), and shorter than what a server that lives for an hour does (relists, lease renewals).
 */
const OBSERVED_MS = 6_000;
/** What the operator and the agent deal with besides their own kinds. */
const RESOURCES = new Set(['customresourcedefinitions', 'events', 'nodes', 'pods']);
const REQUEST = /^apiserver_request_total\{(?<labels>.*)\} (?<count>\S+)$/;

/** Requests so far by `VERB resource`, without watches and without what the API server asks itself. */
function countRequests(metrics: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of metrics.split('\n')) {
    const { labels = '', count } = REQUEST.exec(line)?.groups ?? {};
    const [verb, group, resource] = ['verb', 'group', 'resource'].map((label) => labelOf(labels, label));
    const isOurs = group === 'memoryhotplug.io' || RESOURCES.has(resource ?? '');
    if (!isOurs || verb === 'WATCH') continue;
    const key = `${verb ?? ''} ${resource ?? ''}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(count));
  }
  return counts;
}

function labelOf(labels: string, name: string): string | undefined {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];
}

describe('idle', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  const requests = async (): Promise<ReadonlyMap<string, number>> =>
    countRequests(await stage.kubectl.succeed(['get', '--raw', '/metrics']));

  before(async () => {
    stage = await openOperatorStage();
    // Blocks that another test has left might wait for their next try.
    await stage.kubectl.succeed(['delete', 'nmem,mnot', '--all']);
    await stage.kubectl.succeed(['delete', 'mb', '--all', '--timeout=30s']);
    await stage.createNode(NODE);
    const names = await Promise.all(
      [7, 8].map((blockId) => stage.applyBlock({ nodeName: NODE, blockId, state: 'online_movable' })),
    );
    for (const name of names) await stage.waitReady(name);
  });
  after(() => stage.deleteNode(NODE));

  it('is silent: no request but watches', async () => {
    let before = await requests();
    await eventually(
      'the last requests of the work before have been made',
      async () => {
        const now = await requests();
        const isQuiet = [...now].every(([key, count]) => before.get(key) === count);
        before = now;
        return isQuiet;
      },
      { everyMs: 1_000 },
    );
    assert.ok((before.get('APPLY memoryblocks') ?? 0) > 0, 'requests are counted at all');
    await delay(OBSERVED_MS);
    assert.deepEqual(await requests(), before);
  });
});
