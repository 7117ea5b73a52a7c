/** docs/plugin-conformance.md explains every check, and every check names a rule that is written down. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inProcessChecks } from '../../../src/plugins/conformance/in-process-checks.ts';
import { checksOf } from '../../../src/plugins/conformance/play-checks.ts';
import { webhookChecks } from '../../../src/plugins/conformance/webhook-checks.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
const NOWHERE = { url: 'https://localhost/' };
const CHECKS = checksOf({
  checks: [...webhookChecks(NOWHERE), ...inProcessChecks('file:///nowhere', () => undefined)],
});

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = readFileSync(new URL(page, DOCS), 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('documentation of the conformance kit', () => {
  it('explains every check, in the order in which they are played', () => {
    const page = readFileSync(new URL('plugin-conformance.md', DOCS), 'utf8');
    const table = page.slice(page.indexOf('## The checks'), page.indexOf('## In CI'));
    const explained = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(
      explained,
      CHECKS.map(({ name }) => name),
    );
  });

  for (const { name, section } of CHECKS) {
    it(`has the rule of ${name} where it says`, () => {
      const [page = '', anchor = ''] = section.split('#');
      assert.ok(anchorsOf(page).includes(anchor), `docs/${page} has no heading for #${anchor}`);
    });
  }
});
