import assert from 'node:assert/strict';
import { Screen, type ScreenStream } from '../../src/cli/screen.ts';

const NOW = new Date('2026-01-01T12:00:00Z');

describe('Screen', () => {
  let written: string;
  const stream = (more: Partial<ScreenStream> = {}): ScreenStream => ({ write: (text) => (written += text), ...more });
  /** What a terminal has on it, each line as it was erased to its end. */
  const drawn = (): string[] => {
    const [, body = ''] = /^\p{Cc}\[H(.*)\p{Cc}\[J$/su.exec(written) ?? [];
    return body.split(/\p{Cc}\[K\n/u).slice(0, -1);
  };

  beforeEach(() => (written = ''));

  it('appends where nobody looks at a terminal, each time with the date', () => {
    const screen = new Screen(stream());
    screen.show('one\n', NOW);
    screen.show('two\n', NOW);
    assert.equal(written, '# 2026-01-01T12:00:00.000Z\none\n# 2026-01-01T12:00:00.000Z\ntwo\n');
  });

  it('draws over what is there, erases the rest of each line and all below', () => {
    new Screen(stream({ isTTY: true, rows: 10, columns: 40 })).show('one\ntwo\n', NOW);
    assert.deepEqual(drawn().slice(1), ['', 'one', 'two']);
  });

  it('never writes more than fits, so that nothing scrolls, and says how much is missing', () => {
    const text = Array.from({ length: 20 }, (_, index) => `${String(index)}${'x'.repeat(99)}\n`).join('');
    new Screen(stream({ isTTY: true, rows: 10, columns: 40 })).show(text, NOW);
    const lines = drawn();
    assert.equal(lines.length, 9);
    assert.ok(lines.every(({ length }) => length <= 40));
    assert.equal(lines.at(-1), `… ${String(22 - 8)} more lines`);
  });
});
