import assert from 'node:assert/strict';
import { notifierRows, verdictRows, type NotifierScope, type NotifierSnapshot } from '../../src/cli/notifier-rows.ts';
import { renderNotifiers } from '../../src/cli/render-notifiers.ts';
import type { MemoryNotifier, MemoryNotifierSpec, MemoryNotifierStatus } from '../../src/contract/resources.ts';
import { blockOf, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

function condition(status: 'True' | 'False', reason: string, message: string) {
  return { type: 'Ready', status, reason, message, lastTransitionTime: '2026-01-01T10:00:00Z' } as const;
}
const READY: MemoryNotifierStatus = { conditions: [condition('True', 'Registered', '')] };

function notifier(name: string, spec: Partial<MemoryNotifierSpec>, status = READY): MemoryNotifier {
  return { ...notifierOf(name, spec), status };
}

const SNAPSHOT: NotifierSnapshot = {
  notifiers: [
    notifier('capacity', { priority: -10, plugin: { name: 'capacity-guard' } }),
    notifier(
      'freeze',
      { priority: 5, suspend: true },
      { conditions: [condition('False', 'Suspended', 'is not asked')] },
    ),
    notifier(
      'db-guard',
      { priority: 100, actions: ['MEM_GOING_OFFLINE'], nodeSelector: { matchLabels: { db: 'yes' } } },
      {
        ...READY,
        target: 'https://db.example/notify',
        lastCall: {
          time: '2026-01-01T11:58:00Z',
          action: 'MEM_GOING_OFFLINE',
          result: 'NOTIFY_BAD',
          errno: 'EBUSY',
          reason: 'pinned',
          node: NODE,
          blockId: 32,
        },
      },
    ),
    notifier(
      'movable-only',
      { priority: 7, blockSelector: { matchLabels: { pool: 'movable' } }, failurePolicy: 'Ignore', timeoutSeconds: 3 },
      { conditions: [condition('False', 'Invalid', 'there is no plugin movable-only; start the operator with it')] },
    ),
  ],
  blocks: [32, 33].map((blockId) =>
    blockOf(
      { blockId },
      {
        lastOperation: {
          type: 'offline',
          result: blockId === 32 ? 'Vetoed' : 'Succeeded',
          message: '',
          completionTime: '2026-01-01T11:58:00Z',
        },
        notifiers: [
          blockId === 32
            ? { name: 'db-guard', action: 'MEM_GOING_OFFLINE', result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' }
            : { name: 'capacity', action: 'MEM_GOING_OFFLINE', result: 'NOTIFY_OK' },
          { name: 'capacity', action: 'MEM_CANCEL_OFFLINE', result: 'NOTIFY_DONE' },
        ],
      },
    ),
  ),
};

function scope(labels: Record<string, string>, block?: NotifierScope['block']): NotifierScope {
  return {
    node: NODE,
    nodeMemory: nodeMemoryOf(undefined, undefined, { labels }),
    nodeObject: undefined,
    ...(block ? { block } : {}),
  };
}
const names = (where: NotifierScope | undefined): readonly string[] =>
  notifierRows(SNAPSHOT, where).map(({ name, order }) => `${String(order ?? '-')} ${name}`);

describe('memhp notifiers', () => {
  it('shows the chain in call order, who is not asked and why, the last calls, and who objected lately', () => {
    const shown = renderNotifiers(notifierRows(SNAPSHOT, undefined), verdictRows(SNAPSHOT, undefined), NOW_MS);
    assert.deepEqual(shown.split('\n'), [
      'ORDER   NAME           TARGET                      PRIORITY   ACTIONS             POLICY   TIMEOUT   READY       SUSPENDED   LAST CALL           ANSWER             BLOCK               AGE   REASON',
      '1       db-guard       https://db.example/notify   100        MEM_GOING_OFFLINE   Fail     10s       True                    MEM_GOING_OFFLINE   NOTIFY_BAD EBUSY   worker-1-memory32   2m    pinned',
      '2       movable-only   movable-only                7          all                 Ignore   3s        Invalid',
      '-       freeze         freeze                      5          all                 Fail     10s       Suspended   yes',
      '3       capacity       capacity-guard              -10        all                 Fail     10s       True',
      'movable-only is not ready: there is no plugin movable-only; start the operator with it',
      '',
      'What the chain has said in the last operation of each block:',
      'BLOCK               OPERATION   RESULT   AGE   NAME       ACTION              ANSWER             REASON',
      'worker-1-memory32   offline     Vetoed   2m    db-guard   MEM_GOING_OFFLINE   NOTIFY_BAD EBUSY   pinned',
      '',
    ]);
  });

  it('narrows by the node, whatever the block; then by the block', () => {
    assert.deepEqual(names(scope({ db: 'yes' })), ['1 db-guard', '2 movable-only', '- freeze', '3 capacity']);
    assert.deepEqual(names(scope({})), ['1 movable-only', '- freeze', '2 capacity']);
    assert.deepEqual(names(scope({}, { blockId: 32, object: SNAPSHOT.blocks[0] })), ['- freeze', '1 capacity']);
    const movable = blockOf({}, {}, { labels: { pool: 'movable' } });
    assert.deepEqual(names(scope({}, { blockId: 32, object: movable })), ['1 movable-only', '- freeze', '2 capacity']);
  });

  it('tells every answer of one block, also where nobody objected', () => {
    const [verdict] = verdictRows(SNAPSHOT, scope({}, { blockId: 33, object: undefined }));
    assert.deepEqual(
      [verdict?.block, verdict?.result, verdict?.answers.map(({ action }) => action)],
      ['worker-1-memory33', 'Succeeded', ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE']],
    );
    assert.deepEqual(verdictRows(SNAPSHOT, { ...scope({}), node: 'worker-9' }), []);
  });

  it('says so where nobody is registered', () => {
    assert.equal(renderNotifiers([], [], NOW_MS), 'No MemoryNotifier is registered here: nobody is asked.\n');
  });

  it('cuts a long list of blocks, and says how to see more', () => {
    const [verdict] = verdictRows(SNAPSHOT, undefined);
    const shown = renderNotifiers(
      [],
      Array.from({ length: 23 }, () => verdict!),
      NOW_MS,
    );
    assert.match(shown, /and of 3 more blocks/);
    assert.equal(shown.match(/db-guard/g)?.length, 20);
  });
});
