const ELLIPSIS = '…';
const ELLIPSIS_BYTES = 3;

/** `text`, or its beginning and an ellipsis: at most `bytesMax` bytes of UTF-8, without half a character at its end. */
export function cutBytes(text: string, bytesMax: number): string {
  if (text.length <= bytesMax / ELLIPSIS_BYTES) return text;
  const encoder = new TextEncoder();
  const target = new Uint8Array(bytesMax);
  if (encoder.encodeInto(text, target).read === text.length) return text;
  const { read } = encoder.encodeInto(text, target.subarray(0, bytesMax - ELLIPSIS_BYTES));
  return text.slice(0, read) + ELLIPSIS;
}
