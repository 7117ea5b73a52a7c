/** The kit itself: each check fails for its own mistake and for no other, and lets plugins pass that only have a will of their own. */
import assert from 'node:assert/strict';
import { MEMORY_ACTIONS } from '../../../src/kernel/memory-action.ts';
import { checksOf } from '../../../src/plugins/conformance/play-checks.ts';
import { done, ok, stop, veto } from '../../../src/plugins/define-plugin.ts';
import { FAULTS } from './faults.ts';
import { LEGITIMATE, LIMITS } from './legitimate.ts';
import { failuresOf, faultsIn, functionUnderTest, play, seenBy } from './play.ts';
import { QUIET_FAULTS } from './quiet-faults.ts';

describe('conformance kit', function () {
  this.timeout(20_000);

  for (const [check, mistake] of Object.entries(FAULTS)) {
    it(`${check} finds its own mistake, and nothing else does`, async () => {
      const findings = await play(functionUnderTest(mistake()));
      assert.deepEqual(faultsIn(findings), [check], JSON.stringify([...findings]));
      assert.match(seenBy(findings, check), /\w{3}/);
    });
  }

  for (const { what, check, plugin } of QUIET_FAULTS) {
    it(`${check} fails for a plugin that ${what}, and nothing else does`, async () => {
      const findings = await play(functionUnderTest(plugin()));
      assert.deepEqual(faultsIn(findings), [check], JSON.stringify([...findings]));
    });
  }

  it('has a mistake for each check', () => {
    const names = checksOf({ checks: [] }).map(({ name }) => name);
    assert.deepEqual([...names].sort(), Object.keys(FAULTS).sort());
  });

  for (const [what, plugin] of Object.entries(LEGITIMATE)) {
    it(`lets a plugin pass that ${what}`, async () => {
      assert.deepEqual(failuresOf(await play(functionUnderTest(plugin()))), []);
    });
  }

  for (const [what, plugin] of Object.entries(LIMITS)) {
    it(`cannot decide whether a plugin gives back that ${what}`, async () => {
      const findings = await play(functionUnderTest(plugin()));
      assert.equal(findings.get('gives-back')?.kind, 'undecided', JSON.stringify([...findings]));
    });
  }

  it('says what it saw where a pause looks like something that was not given back', async () => {
    const findings = await play(functionUnderTest(LIMITS['lets a node rest after each operation']!()));
    const finding = findings.get('gives-back');
    assert.ok(finding?.kind === 'undecided');
    assert.match(
      finding.why,
      /after MEM_GOING_OFFLINE and MEM_CANCEL_OFFLINE .* EAGAIN .*; right for a limit or a pause/,
    );
  });

  it('takes note of a stop that the contract allows, and fails nothing for it', async () => {
    for (const answer of [stop(), veto('EBUSY', 'too late')]) {
      const findings = await play(functionUnderTest(({ action }) => (action.includes('GOING') ? ok() : answer)));
      assert.deepEqual([failuresOf(findings), faultsIn(findings)], [[], ['chain-goes-on']]);
      for (const action of ['MEM_ONLINE', 'MEM_OFFLINE', 'MEM_CANCEL_ONLINE', 'MEM_CANCEL_OFFLINE'])
        assert.ok(seenBy(findings, 'chain-goes-on').includes(`${action}: ${answer.result}`));
    }
  });

  for (const answer of [ok(), done(), stop(), veto('EBUSY', 'pages are pinned')]) {
    it(`lets a plugin pass that answers ${answer.result} to everything`, async () => {
      assert.deepEqual(failuresOf(await play(functionUnderTest(() => answer))), []);
    });
  }

  for (const reason of [undefined, '  ', 'EBUSY', '-EPERM', 'x'.repeat(801)]) {
    it(`does not take ${(reason ?? 'nothing').slice(0, 10)} for a reason`, async () => {
      const findings = await play(functionUnderTest(() => ({ result: 'NOTIFY_BAD', errno: 'EBUSY', reason })));
      assert.deepEqual(failuresOf(findings), ['veto-reason']);
    });
  }

  it('does not take a veto for well-formed of which something is not understood', async () => {
    const answer = { result: 'NOTIFY_BAD', errno: 'EWHATEVER', reason: 'pages are pinned' };
    const findings = await play(functionUnderTest(() => answer));
    assert.deepEqual(failuresOf(findings), ['veto-reason']);
    assert.match(seenBy(findings, 'veto-reason'), /“pages are pinned \(of this veto was not understood: .*EWHATEVER/);
  });

  it('tells one thing once about a plugin that answers nothing', async () => {
    const findings = await play(functionUnderTest(() => undefined));
    assert.deepEqual(failuresOf(findings), ['every-action']);
    for (const action of MEMORY_ACTIONS.filter((name) => name.includes('GOING')))
      assert.ok(seenBy(findings, 'every-action').includes(action));
    const others = [...findings].filter(([name]) => name !== 'every-action').map(([, { kind }]) => kind);
    assert.deepEqual([...new Set(others)], ['undecided']);
  });

  it('asks only about the actions that the plugin will be registered for', async () => {
    const asked = new Set<string>();
    const plugin = functionUnderTest(({ action }) => {
      asked.add(action);
      return ok();
    });
    const findings = await play(plugin, { actions: ['MEM_GOING_OFFLINE', 'MEM_OFFLINE'] });
    assert.deepEqual([...asked].sort(), ['MEM_GOING_OFFLINE', 'MEM_OFFLINE']);
    assert.equal(findings.get('cancel-twice')?.kind, 'undecided');
    assert.equal(findings.get('repeat')?.kind, 'passed');
  });

  it('tells the end of every operation that it asked about, and never asks a dry run about more than GOING', async () => {
    const open = new Set<string>();
    const plugin = functionUnderTest(({ action, runId, dryRun }) => {
      assert.ok(!dryRun || action.includes('GOING'));
      assert.match(runId, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/, 'as Temporal makes them');
      if (action.includes('GOING') && !dryRun) open.add(runId);
      else open.delete(runId);
      return ok();
    });
    const findings = await play(plugin);
    assert.deepEqual([...open], []);
    assert.deepEqual(failuresOf(findings), []);
  });
});
