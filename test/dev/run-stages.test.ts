import assert from 'node:assert/strict';
import { parseStageNames, runStages, summarize, type StageMachinery } from '../support/run-stages.ts';
import type { Stage, StageResult } from '../support/stage.ts';

const PASSED: StageResult = { passed: 1, failures: [], skips: [] };

function stage(name: string): Stage {
  return { name, budgetMinutes: 2, needs: [], steps: [{ kind: 'check', name: 'step', command: ['true'] }] };
}

function machinery(overrides: Partial<StageMachinery> = {}): StageMachinery {
  return {
    probe: () => Promise.resolve({ ready: true, env: {} }),
    runStep: () => Promise.resolve(PASSED),
    log: () => undefined,
    budgetSignal: () => new AbortController().signal,
    ...overrides,
  };
}

const NONE: ReadonlySet<string> = new Set();
const STAGES = [stage('pure'), stage('integration')];
const withoutEtcd = machinery({
  probe: ({ name }) =>
    Promise.resolve(name === 'pure' ? { ready: true, env: {} } : { ready: false, missing: 'etcd is not to be had' }),
});

describe('the stage runner', () => {
  it('adds up what its stages counted', async () => {
    const runStep: StageMachinery['runStep'] = () =>
      Promise.resolve({ passed: 2, failures: [{ title: 'x', reason: 'y' }], skips: [{ title: 'z', reason: 'w' }] });
    const result = await runStages(STAGES, NONE, machinery({ runStep }));
    assert.equal(summarize(result).split('\n').at(-1), '4 passed, 2 failed, 2 skipped');
  });

  it('skips what this machine lacks, and says what it is', async () => {
    const result = await runStages(STAGES, NONE, withoutEtcd);
    assert.equal(summarize(result), 'skipped: integration › all: etcd is not to be had\n1 passed, 0 failed, 1 skipped');
  });

  it('fails where a required stage would be skipped', async () => {
    const result = await runStages(STAGES, new Set(['integration']), withoutEtcd);
    assert.match(
      summarize(result),
      /^failed: integration › all: required .* etcd is not to be had\n1 passed, 1 failed, 0 skipped$/,
    );
  });

  it('fails where a test inside a required stage is skipped', async () => {
    const runStep: StageMachinery['runStep'] = () =>
      Promise.resolve({ passed: 0, failures: [], skips: [{ title: 'x', reason: 'y' }] });
    const result = await runStages(STAGES, new Set(['pure']), machinery({ runStep }));
    assert.equal(summarize(result).split('\n').at(-1), '0 passed, 1 failed, 1 skipped');
  });

  it('fails a stage that exceeds its budget, and goes on with the next', async () => {
    const budgetSignal: StageMachinery['budgetSignal'] = () => AbortSignal.abort();
    const result = await runStages(STAGES, NONE, machinery({ budgetSignal }));
    assert.match(
      summarize(result),
      /^failed: pure › budget: took longer than its 2 min.*\nfailed: integration › budget/,
    );
  });

  it('gives a step the environment that the probe found', async () => {
    const seen: unknown[] = [];
    const runStep: StageMachinery['runStep'] = (_step, env) => {
      seen.push(env);
      return Promise.resolve(PASSED);
    };
    const env = { MEMHP_ETCD: '/etcd' };
    await runStages([stage('pure')], NONE, machinery({ probe: () => Promise.resolve({ ready: true, env }), runStep }));
    assert.deepEqual(seen, [env]);
  });

  it('refuses a name that is no stage, and lists those that are', () => {
    assert.throws(
      () => parseStageNames('pure,integrtion', STAGES),
      /"integrtion" is no stage; there are pure, integration/,
    );
    assert.deepEqual(parseStageNames('', STAGES), NONE);
  });
});
