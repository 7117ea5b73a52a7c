/**
 * Fencing tokens: `epoch · 2^31 + sequence`.
 *
 * The sequence grows with every grant; the epoch grows whenever a node's lock entity is created anew, so tokens of a
 * node strictly increase even when the entity and all its state are lost. 2^31 grants an epoch are 68 years at one a
 * second; 2^22 - 1 epochs fit before a token leaves the integers that a JSON number carries exactly (2^53).
 */
const SEQUENCES_PER_EPOCH = 2 ** 31;
export const EPOCH_MAX = 2 ** 22 - 1;

export function tokenOf(epoch: number, sequence: number): number {
  if (epoch < 1 || epoch > EPOCH_MAX || sequence < 0 || sequence >= SEQUENCES_PER_EPOCH) {
    throw new RangeError(`epoch ${String(epoch)}, sequence ${String(sequence)} do not make a token`);
  }
  return epoch * SEQUENCES_PER_EPOCH + sequence;
}

export function epochOf(token: number): number {
  return Math.floor(token / SEQUENCES_PER_EPOCH);
}
