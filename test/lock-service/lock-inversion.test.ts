/** examples/lock-inversion, as its readers run it. */
import assert from 'node:assert/strict';
import { runCommand } from '../support/run-command.ts';

describe('examples/lock-inversion', function () {
  this.timeout(60_000);

  it('happens as it says: with device_hotplug_lock nothing, without it EDEADLK and a report', async () => {
    const script = 'examples/lock-inversion/lock-inversion.ts';
    const { status, output } = await runCommand(['node', 'tools/bootstrap.mjs', script], { capture: true });
    assert.equal(status, 0, output);
    const [, withD = '', withoutD = '', kind = ''] = output.split(/^── \d\/3 .*$/m);
    assert.doesNotMatch(withD, /EDEADLK|lockdep:/);
    assert.match(withoutD, /^add: Failed \(EDEADLK\)$/m);
    assert.match(withoutD, /^ +lockdep: .*mem_hotplug_lock → device_lock/m);
    assert.doesNotMatch(kind, /EDEADLK|waits \d/);
    assert.match(kind, /^ +lockdep: .*mem_hotplug_lock → device_lock/m);
  });
});
