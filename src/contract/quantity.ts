/** Kubernetes quantities of bytes, as far as memory sizes need them. */

const UNITS = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, k: 1e3, M: 1e6, G: 1e9, T: 1e12 } as const;
const QUANTITY = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)$/;

/** Bytes of a quantity like `128Mi`. Throws a RangeError that quotes what it was given. */
export function parseBytes(quantity: string): number {
  const match = QUANTITY.exec(quantity.trim());
  if (!match) throw new RangeError(`"${quantity}" is not a quantity of bytes; write one like 128Mi or 2Gi`);
  return Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
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
