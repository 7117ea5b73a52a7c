/** Links of the pages for people: within this repository each leads to a file, and to a heading in it. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', '{bench,docs,examples,deploy}/**/*.md'], { cwd: ROOT });

/** As the sites that show Markdown make anchors of headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...page.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function problemOf(page: string, link: string): string | undefined {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? path.join(ROOT, page) : path.resolve(ROOT, path.dirname(page), target);
  if (!existsSync(file)) return `${link}: there is no such file`;
  if (anchor === undefined || statSync(file).isDirectory()) return undefined;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : `${link}: there is no such heading`;
}

describe('links', () => {
  for (const page of PAGES) {
    it(`of ${page} lead somewhere`, () => {
      const links = [...readFileSync(path.join(ROOT, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(
        ([, to = '']) => to,
      );
      const local = links.filter((link) => !/^[a-z]+:/.test(link));
      assert.deepEqual(
        local.flatMap((link) => problemOf(page, link) ?? []),
        [],
      );
    });
  }
});
