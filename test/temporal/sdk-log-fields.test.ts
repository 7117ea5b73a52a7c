import assert from 'node:assert/strict';
import { operationWorkflowId } from '../../src/contract/names.ts';
import { sdkLogFields } from '../../src/temporal/sdk-log-fields.ts';

describe('the fields of lines that the SDK writes', () => {
  it('name node and block, which the workflow id tells', () => {
    const workflowId = operationWorkflowId('c0ffee00', 'worker-1', 32);
    assert.deepEqual(
      sdkLogFields({ sdkComponent: 'worker', namespace: 'default', workflowId, runId: 'r', attempt: 2 }),
      {
        component: 'worker',
        node: 'worker-1',
        block: 'worker-1-memory32',
        workflowId,
        runId: 'r',
        attempt: 2,
      },
    );
  });

  it('have one spelling, also those of the native core', () => {
    const fields = {
      sdkComponent: 'core',
      target: 'temporalio_client',
      run_id: 'r',
      task_queue: 'q',
      spanContexts: [{}],
    };
    assert.deepEqual(sdkLogFields(fields), {
      component: 'core',
      target: 'temporalio_client',
      runId: 'r',
      taskQueue: 'q',
    });
  });

  it('do not change the message', () => {
    assert.deepEqual(sdkLogFields({ message: 'more about it' }), { detail: 'more about it' });
  });

  it('may be missing', () => assert.deepEqual(sdkLogFields(undefined), {}));
});
