/** `npm run bench -- scale`: a fleet of simulated nodes, from nothing to all online; idle; a restart; one large node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLocalEnvironment, type LocalEnvironment } from '../../src/dev/local-environment.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { createLogger } from '../../src/process/create-logger.ts';
import { connectTemporal } from '../../src/temporal/connect-temporal.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';
import type { Budget } from '../report/budget.ts';
import { describeMachine, type Machine } from '../report/machine.ts';
import { Fleet } from './fleet.ts';
import { measurePhase, type Observed, type PhaseCost } from './measure-phase.ts';
import { measureHistories, measureTime } from './operation-histories.ts';
import type { ScaleMeasurements, ScaleOptions } from './scale-measurements.ts';
import { scaleBudgets } from './scale-report.ts';
import { startSettledOperator } from './settled-operator.ts';

export interface ScaleResult {
  readonly machine: Machine;
  readonly options: ScaleOptions;
  readonly measurements: ScaleMeasurements;
  readonly budgets: readonly Budget[];
}

const TIME_SAMPLE = 64;
const LARGE_NODE = 'large-node';

export async function runScaleBenchmark(
  options: ScaleOptions,
  onProgress: (line: string) => void,
): Promise<ScaleResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-bench-'));
  onProgress('starting etcd, kube-apiserver, Temporal, one operator and one agent');
  const environment = await startLocalEnvironment({ directory, headless: true });
  const cleanups: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true }), () => environment.stop()];
  try {
    const machine = await describeMachine(environment.tools);
    const measurements = await measure(environment, options, onProgress, cleanups);
    return { machine, options, measurements, budgets: scaleBudgets(measurements) };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function measure(
  environment: LocalEnvironment,
  { nodes, blocksPerNode, idleSeconds, largeNode }: ScaleOptions,
  onProgress: (line: string) => void,
  cleanups: (() => unknown)[],
): Promise<ScaleMeasurements> {
  const kubeConfig = loadKubeConfig({ kubeconfig: environment.controlPlane.kubeconfig });
  const log = createLogger({ process: 'bench', level: process.env['MEMHP_LOG_LEVEL'] ?? 'error', format: 'text' });
  installRuntime(log);
  const temporal = await connectTemporal(log, new AbortController().signal, environment.temporal);
  if (!temporal) throw new Error('unreachable: nothing aborts this wait');
  cleanups.push(() => temporal.close());
  const fleet = new Fleet(kubeConfig);
  cleanups.push(() => fleet.stop());

  const operator = await startSettledOperator(environment, 0);
  await environment.startAgent({ name: 'agent' });
  const observed: Observed = { kubeConfig, processes: () => environment.processes.running() };
  const phase = (act: () => Promise<void>): Promise<PhaseCost> => measurePhase(observed, act);

  const names = Array.from({ length: nodes }, (_, index) => `node-${String(index)}`);
  onProgress(`${String(nodes)} nodes with ${String(blocksPerNode)} blocks each`);
  const blocks = await fleet.createNodes(names, blocksPerNode);
  const large = await fleet.createNodes([LARGE_NODE], largeNode);
  const fleetCost = await phase(() => fleet.bringOnline(blocks, everyTenth(blocks.length, onProgress)));
  const histories = await measureHistories(temporal.client, await clusterId(kubeConfig), names);
  onProgress(`idle for ${String(idleSeconds)} s`);
  const idle = await phase(() => delay(idleSeconds * 1000));
  onProgress('the operator starts anew');
  const restart = await phase(async () => {
    await operator.stop();
    await startSettledOperator(environment, blocks.length);
  });
  onProgress(`one node with ${String(largeNode)} blocks`);
  const largeCost = await phase(() => fleet.bringOnline(large, everyTenth(large.length, onProgress)));
  const largeNodeTime = await measureTime(temporal.client, LARGE_NODE, TIME_SAMPLE);
  return { fleet: fleetCost, histories, idle, restart, largeNode: largeCost, largeNodeTime };
}

function everyTenth(total: number, onProgress: (line: string) => void): (ready: number) => void {
  let told = 0;
  return (ready) => {
    const tenth = Math.floor((10 * ready) / total);
    if (tenth > told) onProgress(`${String(ready)} of ${String(total)} blocks are online`);
    told = Math.max(told, tenth);
  };
}
