import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { createStepReports } from '../../src/agent/step-reports.ts';
import { driverCall } from '../support/driver-run.ts';

describe('reports of driver steps', () => {
  it('are a line with everything that tells the step, and figures by operation, step and errno', async () => {
    const registry = new Registry();
    const lines: unknown[] = [];
    const silent = () => undefined;
    const log = { debug: silent, warn: silent, error: silent, info: (...line: unknown[]) => lines.push(line) };
    const report = createStepReports(registry, log);
    const call = driverCall({ operation: 'offline', step: 'commit', blockId: 40, bootId: 'boot-1' });
    report(call, { ok: true, zone: 'Movable' }, 1_499.6);
    report(call, { ok: false, errno: 'EBUSY', message: 'pages are pinned' }, 0.5);

    const { owner, node, tokens } = call;
    const about = { ...owner, node, block: `${node}-memory40`, tokens, operation: 'offline', step: 'commit' };
    assert.deepEqual(lines, [
      ['driver step', { ...about, zone: 'Movable', durationMs: 1_500 }],
      ['driver step', { ...about, errno: 'EBUSY', detail: 'pages are pinned', durationMs: 1 }],
    ]);
    const text = await registry.metrics();
    assert.match(text, /^memhp_driver_steps_total\{operation="offline",step="commit",result="ok"\} 1$/m);
    assert.match(text, /^memhp_driver_steps_total\{operation="offline",step="commit",result="EBUSY"\} 1$/m);
    assert.match(text, /^memhp_driver_step_duration_seconds_count\{operation="offline",step="commit"\} 2$/m);
  });
});
