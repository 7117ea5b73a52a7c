/** Kubernetes quantities of bytes, as far as memory sizes need them. */

const UNITS = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
} as const;
const QUANTITY = /^(\d+\.?\d*|\.\d+)(?:([KMGTPE]i|[numkMGTPE]|)|[eE]([+-]?\d{1,2}))$/;

/**
 * Bytes of a quantity like `128Mi`; a fraction of a byte counts as one, as in Kubernetes. Throws a RangeError that
 * quotes what it was given when that is no quantity, is negative, or is 8Pi or more (not exact in a double).
 */
export function parseBytes(quantity: string): number {
  const [, digits, unit = '', exponent] = QUANTITY.exec(quantity.trim()) ?? [];
  if (digits === undefined)
    throw new RangeError(`"${quantity}" is not a quantity of bytes; write one like 128Mi or 2Gi`);
  const scale = exponent === undefined ? UNITS[unit as keyof typeof UNITS] : 10 ** Number(exponent);
  const exact = Number(digits) * scale;
  // 1.1k is 1100.0000000000002 in a double: drop the noise before rounding up.
  const bytes = Number.isInteger(exact) ? exact : Math.ceil(Number(exact.toPrecision(15)));
  if (!Number.isSafeInteger(bytes)) throw new RangeError(`"${quantity}" is too large; write less than 8Pi`);
  return bytes;
}

/** `bytes` in the largest binary unit that divides them: 134217728 → `128Mi`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki'] as const) {
    if (bytes !== 0 && bytes % UNITS[unit] === 0) return `${String(bytes / UNITS[unit])}${unit}`;
  }
  return String(bytes);
}

/** `0x100000000`: how a physical address is written everywhere. */
export function formatAddress(address: number): string {
  return `0x${address.toString(16)}`;
}
