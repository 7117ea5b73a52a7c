/** A real node as far as `memhp agent --driver sysfs` can tell: a copied tree, and the directory of its agent. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SupervisedChild } from '../../src/dev/supervise.ts';
import type { Condition } from '../../src/contract/resources.ts';
import { eventually } from './eventually.ts';
import type { OperatorStage } from './operator-stage.ts';
import { createSysfsTree, type SysfsTree, type SysfsTreeOptions } from './sysfs-tree.ts';

/** Eight blocks of 128 MiB: two of Normal, four of Movable memory, and two that are offline. */
const TREE: SysfsTreeOptions = {
  blocks: [
    { range: '0-1', state: 'online', validZones: 'Normal' },
    { range: '2-5', state: 'online', validZones: 'Movable' },
    { range: '6-7', state: 'offline', validZones: 'Normal Movable' },
  ],
};

export class SysfsNode {
  readonly name: string;
  readonly tree: SysfsTree;
  /** `--state-dir` of its agent. */
  readonly stateDirectory = mkdtempSync(path.join(tmpdir(), 'memhp-run-'));
  readonly #stage: OperatorStage;
  readonly #agents: SupervisedChild[] = [];

  private constructor(stage: OperatorStage, name: string, tree: SysfsTree) {
    this.#stage = stage;
    this.name = name;
    this.tree = tree;
  }

  /** Resolves when the agent serves it. */
  static async start(stage: OperatorStage, name: string, tree: Partial<SysfsTreeOptions> = {}): Promise<SysfsNode> {
    const node = SysfsNode.withoutAgent(stage, name, tree);
    await node.startAgent();
    await node.untilServed();
    return node;
  }

  static withoutAgent(stage: OperatorStage, name: string, tree: Partial<SysfsTreeOptions> = {}): SysfsNode {
    return new SysfsNode(stage, name, createSysfsTree({ ...TREE, ...tree }));
  }

  /** `as`: another name for the same host. */
  async startAgent(processName = `${this.name}-agent`, as = this.name): Promise<SupervisedChild> {
    const where = ['--sysfs-root', this.tree.root, '--state-dir', this.stateDirectory];
    const agent = await this.#stage.startAgent(processName, { NODE_NAME: as }, [
      ...['--driver', 'sysfs', '--without-node'],
      ...where,
    ]);
    this.#agents.push(agent);
    return agent;
  }

  async untilServed(name = this.name): Promise<void> {
    await eventually(`an agent serves ${name}`, async () => {
      return (await this.condition('AgentReady', name))?.status === 'True';
    });
  }

  async condition(type: string, name = this.name): Promise<Condition | undefined> {
    const { status } = (await this.#stage.node(name)) ?? {};
    return status?.conditions?.find((condition) => condition.type === type);
  }

  /** The condition, once it has this reason. */
  untilCondition(type: string, reason: string, name = this.name): Promise<Condition> {
    return eventually(`${type} of ${name} is ${reason}`, async () => {
      const condition = await this.condition(type, name);
      return condition?.reason === reason ? condition : undefined;
    });
  }

  /** Where processes of the node find the reader gate. */
  get gateDirectory(): string {
    return path.join(this.stateDirectory, this.name);
  }

  /** Stops its agents, and leaves nothing of it, on the machine or in the cluster. */
  async remove(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.#stage.deleteNode(this.name);
    this.tree.remove();
    rmSync(this.stateDirectory, { recursive: true, force: true });
  }
}
