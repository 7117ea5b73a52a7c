/** What the processes of a stage tell over HTTP. */
import assert from 'node:assert/strict';
import type { ReadinessReport } from '../../src/process/readiness.ts';
import type { OperatorStage } from './operator-stage.ts';

/** `http://127.0.0.1:40123`, where the process that was last started under this name serves. */
export async function endpointOf(stage: OperatorStage, name: string): Promise<string> {
  const line = (await stage.log(name)).findLast(({ message }) => message === 'serving metrics');
  return new URL(String(line?.['url'])).origin;
}

export async function scrape(stage: OperatorStage, name: string): Promise<string> {
  const response = await fetch(`${await endpointOf(stage, name)}/metrics`);
  assert.equal(response.status, 200);
  return response.text();
}

/** Of each check that is not passed its message, by its name; undefined when the process says that it is ready. */
export async function whyNotReady(
  stage: OperatorStage,
  name: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const response = await fetch(`${await endpointOf(stage, name)}/readyz`);
  const { ready, checks } = (await response.json()) as ReadinessReport;
  assert.equal(response.status, ready ? 200 : 503);
  if (ready) return undefined;
  return new Map(checks.filter(({ ok }) => !ok).map((check) => [check.name, check.message]));
}

export async function isAlive(stage: OperatorStage, name: string): Promise<boolean> {
  const response = await fetch(`${await endpointOf(stage, name)}/healthz`);
  return response.status === 200;
}
