/** An operator process that has nothing left to do. */
import { readFile } from 'node:fs/promises';
import type { LocalEnvironment } from '../../src/dev/local-environment.ts';
import type { SupervisedChild } from '../../src/dev/supervise.ts';
import { eventually } from '../../test/support/eventually.ts';

/** A fleet of thousands of blocks is looked at in seconds; this is for a machine that is busy. */
const SETTLE_LIMIT_MS = 120_000;

/** Resolves when it is ready, has looked at `blocks` MemoryBlocks at least, and its queues are empty. */
export async function startSettledOperator(environment: LocalEnvironment, blocks: number): Promise<SupervisedChild> {
  const operator = await environment.startOperator({ name: 'operator' });
  const isSettled = async (): Promise<boolean> => {
    const origin = await originOf(operator);
    if (origin === undefined) return false;
    const isReady = (await fetch(`${origin}/readyz`)).ok;
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    const looks = sum(metrics, /^controller_runtime_reconcile_total\{.*controller="memoryblock".*\} (\d+)$/gm);
    return isReady && looks >= blocks && sum(metrics, /^workqueue_depth\{.*\} (\d+)$/gm) === 0;
  };
  await eventually('the operator has settled', isSettled, { limitMs: SETTLE_LIMIT_MS });
  return operator;
}

/** Where it serves its metrics; undefined before it does. */
async function originOf({ logFile, pid }: SupervisedChild): Promise<string | undefined> {
  const log = await readFile(logFile, 'utf8');
  // Earlier processes have written to the same file.
  const own = log.slice(log.lastIndexOf(`"pid":${String(pid)},`));
  const url = /"message":"serving metrics".*"url":"([^"]+)"/.exec(own)?.[1];
  return url === undefined || !own.startsWith('"pid"') ? undefined : new URL(url).origin;
}

function sum(metrics: string, pattern: RegExp): number {
  return [...metrics.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
}
