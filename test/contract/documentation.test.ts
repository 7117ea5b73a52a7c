/** docs/errors.md and docs/spec/ name every reason, errno and field, and none that does not exist. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CONDITION_TYPES, NODE_EVENT_REASONS, READY_REASONS } from '../../src/contract/conditions.ts';
import type { ReclaimReason } from '../../src/contract/lock-metrics.ts';
import { HOTPLUG_ERRNOS } from '../../src/kernel/errno.ts';
import { MEMORY_ACTIONS } from '../../src/kernel/memory-action.ts';
import { KINDS, schemaAt } from '../support/custom-resource-definitions.ts';

const DOCS = path.resolve(import.meta.dirname, '../../docs');

function read(page: string): string {
  return readFileSync(path.join(DOCS, page), 'utf8');
}

/** The text below the heading that starts with `heading`, up to the next one of its level or above. */
function section(page: string, heading: string): string {
  const [, level = ''] = /^(#+)/.exec(heading) ?? [];
  const after = `\n${page}`.split(`\n${heading}`)[1];
  assert.ok(after !== undefined, `no heading "${heading}"`);
  return after.split(new RegExp(`\n#{1,${String(level.length)}} `))[0] ?? '';
}

/** First cells of the rows of all tables in `text`, without the code quotes. */
function firstCells(text: string): readonly string[] {
  return [...text.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell = '']) => cell.replaceAll('`', ''));
}

/** As firstCells, where a cell may name several things; a nested field stands for the one it is in. */
function fieldsOf(text: string): readonly string[] {
  const names = firstCells(text).flatMap((cell) => cell.split(', '));
  return [...new Set(names.map((name) => name.split('.')[0] ?? name))];
}

describe('documentation', () => {
  it('docs/errors.md explains every reason of a MemoryBlock', () => {
    assert.deepEqual(
      [...firstCells(section(read('errors.md'), '## Reasons of a MemoryBlock'))].sort(),
      [...READY_REASONS].sort(),
    );
  });

  it('docs/errors.md gives every reason a meaning and something to do', () => {
    const rows = section(read('errors.md'), '## Reasons of a MemoryBlock')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    for (const row of rows) assert.match(row, /^\| `\w+` \| .{20,}\. \| .{7,}\. \|$/);
  });

  it('docs/errors.md explains every reason of an event on a NodeMemory', () => {
    assert.deepEqual(
      [...firstCells(section(read('errors.md'), '## Events on a NodeMemory'))].sort(),
      [...NODE_EVENT_REASONS].sort(),
    );
  });

  it('docs/metrics.md explains every reason of a reclaim', () => {
    const reasons: Record<ReclaimReason, true> = {
      closed: true,
      undeliverable: true,
      'node-over': true,
      'released-by-hand': true,
    };
    const [, after = ''] = read('metrics.md').split('`reason` is one of:');
    const [table = ''] = after.split('\n## ');
    assert.deepEqual([...firstCells(table)].sort(), Object.keys(reasons).sort());
  });

  it('docs/errors.md explains every errno of memory hotplug', () => {
    assert.deepEqual([...firstCells(section(read('errors.md'), '## Errnos'))].sort(), [...HOTPLUG_ERRNOS].sort());
  });

  it('docs/spec/memoryblock.md explains every condition and lists every reason', () => {
    const conditions = section(read('spec/memoryblock.md'), '## Conditions');
    assert.deepEqual([...firstCells(conditions)].sort(), [...CONDITION_TYPES].sort());
    for (const reason of READY_REASONS) assert.ok(conditions.includes(`\`${reason}\``), reason);
  });

  it('docs/spec/memorynotifier.md explains every action', () => {
    assert.deepEqual(firstCells(section(read('spec/memorynotifier.md'), '### actions')), MEMORY_ACTIONS);
  });

  for (const kind of KINDS) {
    const page = read(`spec/${kind.toLowerCase()}.md`);
    const spec = section(page, '## Spec').split('\n### ')[0] ?? '';

    it(`docs/spec/${kind.toLowerCase()}.md explains every field of spec`, () => {
      assert.deepEqual([...fieldsOf(spec)].sort(), Object.keys(schemaAt(kind, 'spec').properties ?? {}).sort());
    });

    it(`docs/spec/${kind.toLowerCase()}.md explains every field of status`, () => {
      const expected = Object.keys(schemaAt(kind, 'status').properties ?? {});
      // NodeMemory's conditions have a section of their own.
      const documented = [...fieldsOf(section(page, '## Status')), ...(kind === 'NodeMemory' ? ['conditions'] : [])];
      assert.deepEqual(documented.sort(), expected.sort());
    });
  }

  it('docs/spec/nodememory.md explains every field of spec.simulated', () => {
    const documented = fieldsOf(section(read('spec/nodememory.md'), '### simulated'));
    assert.deepEqual(
      [...documented].sort(),
      Object.keys(schemaAt('NodeMemory', 'spec.simulated').properties ?? {}).sort(),
    );
  });
});
