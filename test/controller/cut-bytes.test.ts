import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cutBytes } from '../../src/controller/cut-bytes.ts';

describe('a text that is cut to a number of bytes', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 80 });
  const limits = fc.integer({ min: 3, max: 60 });

  it('is never longer, and is the text itself if and only if that fits', () => {
    fc.assert(
      fc.property(texts, limits, (text, bytesMax) => {
        const cut = cutBytes(text, bytesMax);
        assert.ok(Buffer.byteLength(cut) <= bytesMax);
        assert.equal(cut === text, Buffer.byteLength(text) <= bytesMax);
      }),
    );
  });

  it('is its beginning and an ellipsis, and loses at most one character more than it must', () => {
    fc.assert(
      fc.property(texts, limits, (text, bytesMax) => {
        const cut = cutBytes(text, bytesMax);
        if (cut === text) return;
        assert.ok(cut.endsWith('…') && text.startsWith(cut.slice(0, -1)) && cut.isWellFormed());
        assert.ok(Buffer.byteLength(cut) > bytesMax - 4);
      }),
    );
  });
});
