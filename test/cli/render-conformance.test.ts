import assert from 'node:assert/strict';
import { conformanceJson, renderCheck, renderSummary, type PlayedCheck } from '../../src/cli/render-conformance.ts';
import { noted, PASSED } from '../../src/plugins/conformance/check.ts';

describe('report of memhp plugin test', () => {
  const check = { name: 'chain-goes-on', rule: 'others are told', section: 'plugins.md#what-it-may-answer' };
  const played: readonly PlayedCheck[] = [
    { check: { ...check, name: 'repeat' }, finding: PASSED },
    { check, finding: noted('MEM_OFFLINE: NOTIFY_STOP') },
  ];

  it('shows what was noted as fully as a failure, and counts it apart', () => {
    const [, text = ''] = played.map(renderCheck);
    assert.match(
      text,
      /^! chain-goes-on\n {4}seen +MEM_OFFLINE: NOTIFY_STOP\n {4}contract +others are told\n {4}see +docs\/plugins\.md#/,
    );
    assert.equal(renderSummary(played), '\n1 passed, 0 failed, 0 not decided, 1 noted\n');
    assert.equal(renderSummary(played.slice(0, 1)), '\n1 passed, 0 failed, 0 not decided\n');
  });

  it('has it in JSON', () => {
    const report = JSON.parse(conformanceJson('./plugin.ts', played)) as {
      readonly noted: number;
      readonly failed: number;
      readonly checks: readonly { readonly result: string; readonly seen?: string }[];
    };
    assert.deepEqual([report.noted, report.failed], [1, 0]);
    assert.equal(report.checks[1]?.result, 'noted');
    assert.equal(report.checks[1].seen, 'MEM_OFFLINE: NOTIFY_STOP');
  });
});
