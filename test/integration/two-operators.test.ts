/** Two operators without an election: what both of them do at once happens once. */
import assert from 'node:assert/strict';
import { memoryBlockName } from '../../src/contract/names.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const OPERATORS = ['operator-1', 'operator-2'] as const;
/** Each round is a fair chance for both to start the same operation; all of them missing it would be a miracle. */
const ROUNDS_MAX = 10;
const BLOCKS_PER_ROUND = 4;
const START_MESSAGES: ReadonlySet<string> = new Set(['operation started', 'operation runs already']);

/** A line about the start of an operation. */
interface StartLine {
  readonly block: string;
  readonly runId: string;
  readonly message: 'operation started' | 'operation runs already';
}

describe('two operators', function () {
  this.timeout(60_000);
  const node = 'twice';
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage({ private: true, operators: 0 });
    // That an operation was found running is told at level debug only.
    const args = ['--log-level', 'debug'];
    await Promise.all(OPERATORS.map((name) => stage.environment.startOperator({ name, args })));
    await stage.createNode(node);
  });
  after(() => stage.close());

  const startsOf = async (operator: string): Promise<readonly StartLine[]> =>
    (await stage.log(operator))
      .filter(({ message, node: name }) => START_MESSAGES.has(message as string) && name === node)
      .map((line) => line as object as StartLine);

  /** Runs that one operator started and the other found running. */
  const contendedRuns = async (): Promise<readonly StartLine[]> => {
    const [one, other] = await Promise.all(OPERATORS.map(startsOf));
    return one!.filter(({ runId, message }) => other!.some((line) => line.runId === runId && line.message !== message));
  };

  const applyRound = async (round: number): Promise<readonly number[]> => {
    const blockIds = Array.from({ length: BLOCKS_PER_ROUND }, (_, index) => 8 + round * BLOCKS_PER_ROUND + index);
    const items = blockIds.map((blockId) => ({
      apiVersion: 'memoryhotplug.io/v1alpha1',
      kind: 'MemoryBlock',
      metadata: { name: memoryBlockName(node, blockId) },
      spec: { nodeName: node, blockId, state: 'online_movable' },
    }));
    await stage.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    const names = blockIds.map((blockId) => `mb/${memoryBlockName(node, blockId)}`);
    await stage.kubectl.succeed(['wait', '--for=condition=Ready', '--timeout=40s', ...names]);
    return blockIds;
  };

  it('that start the same operation both get the one run; the node is changed once', async () => {
    const blockIds: number[] = [];
    let contended: readonly StartLine[] = [];
    for (let round = 0; round < ROUNDS_MAX && contended.length === 0; round++) {
      blockIds.push(...(await applyRound(round)));
      contended = await contendedRuns();
    }
    assert.ok(contended.length > 0, 'both operators logged a start of the same run');
    const effects = await stage.effects(node);
    for (const { runId } of contended) {
      assert.equal(effects.filter((effect) => effect.runId === runId).length, 1, `effects of run ${runId}`);
    }
    for (const blockId of blockIds) assert.deepEqual(await stage.effectsOf(node, blockId), ['created', 'pages-online']);
  });
});
