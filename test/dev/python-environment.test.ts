/** Of the example in Python: looked for once, before the stage's budget counts; what is missing is told in words. */
import assert from 'node:assert/strict';
import { probeTools } from '../support/probe-tools.ts';
import { tellPythonEnvironment, toldPythonEnvironment } from '../support/python-environment.ts';
import { STAGES } from '../support/stages.ts';

describe('the Python environment of a stage', () => {
  const searchPath = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = searchPath;
  });

  it('that is there is told to the tests', () => {
    const env = tellPythonEnvironment({ ready: true, directory: '/somewhere' });
    assert.deepEqual(toldPythonEnvironment(env), { ready: true, directory: '/somewhere' });
    assert.equal(toldPythonEnvironment({}), undefined);
  });

  it('that is missing is told as well, and the rest of the stage runs', async () => {
    process.env['PATH'] = '/nonexistent';
    const probed = await probeTools({ name: 'x', budgetMinutes: 1, needs: [], wants: ['python'], steps: [] });
    assert.ok(probed.ready);
    const missing = 'python3 is not on PATH; install Python 3.10 or newer';
    assert.deepEqual(toldPythonEnvironment(probed.env), { ready: false, missing });
  });

  it('is looked for by the stage whose tests need it', () => {
    assert.deepEqual(
      STAGES.filter(({ wants }) => wants?.includes('python')).map(({ name }) => name),
      ['plugins'],
    );
  });
});
