/** What the scale benchmark is asked for, and what it finds. */
import type { PhaseCost } from './measure-phase.ts';
import type { HistoryCost, TimeCost } from './operation-histories.ts';

export interface ScaleOptions {
  readonly nodes: number;
  readonly blocksPerNode: number;
  readonly idleSeconds: number;
  /** Blocks of the one large node. */
  readonly largeNode: number;
}

export interface ScaleMeasurements {
  /** All blocks of all nodes, offline to online. */
  readonly fleet: PhaseCost;
  readonly histories: HistoryCost;
  /** Everything is settled, nobody wants anything. */
  readonly idle: PhaseCost;
  /** The operator is stopped and started; until it has looked at every block again. */
  readonly restart: PhaseCost;
  /** The blocks of one node, which take turns. */
  readonly largeNode: PhaseCost;
  readonly largeNodeTime: TimeCost;
}
