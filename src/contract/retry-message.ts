/**
 * When an operation that did not succeed comes back, as users read it. `time`: RFC 3339. A veto's wait also ends when the
 * chain that vetoed is no longer the one that would be asked.
 */
export function retryMessage(time: string, isVeto: boolean): string {
  return `will be tried again at ${time}${isVeto ? ', or as soon as its MemoryNotifiers change' : ''}`;
}
