/** Whatever is asked in whatever order: an answer never says of a block what the tree does not show. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DriverResult, DriverStep } from '../../src/contract/driver.ts';
import { OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';
import { createSysfsTree } from '../support/sysfs-tree.ts';
import { SMALL_TREE, startSysfsNode, type SysfsDriverNode } from '../support/sysfs-driver-node.ts';

const BLOCKS = [40, 41] as const;
const STEPS: readonly DriverStep[] = ['prepare', 'commit', 'finish'];

type Deed =
  | {
      readonly kind: 'operate';
      /** `fitting`: the one that changes something. */
      readonly operation: 'online' | 'offline' | 'fitting';
      readonly blockId: number;
      readonly steps: readonly DriverStep[];
      /** Of every write. */
      readonly errno: string | null;
      /** The agent restarts before this step. */
      readonly restartBefore: number;
    }
  | { readonly kind: 'settle' }
  | { readonly kind: 'by hand'; readonly blockId: number; readonly state: string };

const blockId = fc.constantFrom(...BLOCKS);
const anySteps = fc.array(fc.constantFrom<DriverStep>(...STEPS, 'abort'), { minLength: 1, maxLength: 6 });
const operate = fc.record({
  kind: fc.constant('operate' as const),
  operation: fc.constantFrom('fitting' as const, 'fitting' as const, 'online' as const, 'offline' as const),
  blockId,
  steps: fc.oneof(fc.constant(STEPS), anySteps),
  errno: fc.option(fc.constantFrom('EBUSY', 'EAGAIN')),
  restartBefore: fc.nat({ max: 12 }),
});
const byHand = fc.record({
  kind: fc.constant('by hand' as const),
  blockId,
  state: fc.constantFrom('online', 'offline'),
});
const deeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: operate }, byHand, fc.constant({ kind: 'settle' as const })),
  { minLength: 3, maxLength: 8 },
);

class Player {
  readonly #node: SysfsDriverNode;
  #token = 0;

  constructor(node: SysfsDriverNode) {
    this.#node = node;
  }

  async play(deed: Deed): Promise<void> {
    if (deed.kind === 'by hand') this.#node.tree.write(deed.blockId, deed.state);
    else if (deed.kind === 'operate') await this.#operate(deed);
    else await this.#node.driver.settle({ tokens: { device_hotplug_lock: this.#token } });
    await this.#assertInspected();
  }

  async #operate({ operation, blockId, steps, errno, restartBefore }: Deed & { kind: 'operate' }): Promise<void> {
    const { tree, kernel } = this.#node;
    const fitting = tree.read(blockId) === 'online' ? 'offline' : 'online';
    const wanted = operation === 'fitting' ? fitting : operation;
    this.#token++;
    kernel.errors.clear();
    if (errno !== null) kernel.errors.set(`memory${String(blockId)}/state`, errno);
    for (const [index, step] of steps.entries()) {
      if (index === restartBefore) await this.#node.restart();
      const { driver } = this.#node;
      const { bootId } = await driver.inspect([]);
      const run = new OperationRun(driver, this.#token, { operation: wanted, blockId, bootId });
      const before = this.#states();
      const begun = kernel.begun.length;
      const result = await driver.step(run.call(step), UNINTERRUPTED);
      const hasWritten = kernel.begun.length > begun;
      if (step === 'commit') this.#assertTrue(result, wanted, blockId, hasWritten);
      else assert.deepEqual([this.#states(), hasWritten], [before, false], `${step} changes nothing`);
      // A repeat is answered as the first abort was.
      if (step === 'abort' && result.ok && steps.indexOf('abort') === index) {
        assert.equal(result.committed ?? false, tree.read(blockId) === wanted, 'abort knows what has happened');
      }
      await this.#assertInspected();
    }
  }

  #assertTrue(result: DriverResult, wanted: string, blockId: number, hasWritten: boolean): void {
    const state = this.#node.tree.read(blockId);
    if (result.ok) assert.equal(state, wanted, 'success');
    else if (hasWritten) assert.notEqual(state, wanted, result.errno);
  }

  async #assertInspected(): Promise<void> {
    const { blocks } = await this.#node.driver.inspect(BLOCKS);
    assert.deepEqual(
      blocks.map(({ state }) => state),
      this.#states(),
    );
  }

  #states(): readonly string[] {
    return BLOCKS.map((id) => this.#node.tree.read(id));
  }
}

describe('sysfs driver and the truth', function () {
  this.timeout(30_000);

  it('answers success where, and only where, the tree shows it; only commit writes; what is inspected is the tree', async () => {
    let writes = 0;
    await fc.assert(
      fc.asyncProperty(deeds, async (played) => {
        const node = startSysfsNode(createSysfsTree(SMALL_TREE));
        try {
          const player = new Player(node);
          for (const deed of played) await player.play(deed);
          writes += node.kernel.begun.length;
        } finally {
          await node.remove();
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(writes > 10, `the test tests hardly anything: ${String(writes)} writes`);
  });
});
