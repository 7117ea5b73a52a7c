import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { EventEmitter, once } from 'node:events';
import { lookupsMax } from './lookup-threads.ts';

export type LookUp = (name: string) => Promise<readonly LookupAddress[]>;

/** A name is waited for so long when its addresses are known from before. */
const KNOWN_AFTER_MS = 250;
/** More names than webhooks are registered anywhere; the oldest is forgotten. With the next: about 1 MiB. */
const KNOWN_NAMES_MAX = 1024;
/** Of one name; more are never tried within the time of a call. */
const ADDRESSES_MAX = 16;
const QUOTED_NAMES_MAX = 3;

/** A name was not looked up, since so many others are owed an answer. The message ends a sentence that begins with its host. */
export class LookupRefused extends Error {}

type LookupEnd = { readonly addresses: readonly LookupAddress[] } | { readonly error: unknown };

/**
 * Looks names up so that one which nobody answers for stands in no other's way: calls that ask for the same name share one
 * lookup, and no more names are looked up at a time than there are threads for. When a lookup hangs, or the name server
 * says that it cannot answer now, addresses that the name had before do: the certificate is for the name, whoever has
 * the address.
 *
 * By getaddrinfo(3), although c-ares (`dns.Resolver`) would need no threads: that reads neither /etc/hosts nor
 * nsswitch.conf nor the search domains by which `<service>.<namespace>.svc` is found. A name means here what it means to
 * every other program of the machine.
 */
export class NameLookups {
  readonly #lookUp: LookUp;
  readonly #lookupsMax: () => number;
  readonly #pending = new Map<string, EventEmitter>();
  readonly #known = new Map<string, readonly LookupAddress[]>();

  constructor(lookUp: LookUp, max: () => number) {
    this.#lookUp = lookUp;
    this.#lookupsMax = max;
  }

  /** At least one. Rejects with what the lookup says, with LookupRefused, or when `signal` aborts. */
  async addressesOf(name: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    signal.throwIfAborted();
    const known = this.#known.get(name);
    const pending = this.#pending.get(name) ?? this.#begin(name);
    if (!pending) {
      if (known) return known;
      throw new LookupRefused(this.#refusal());
    }
    const patience = known ? AbortSignal.any([signal, AbortSignal.timeout(KNOWN_AFTER_MS)]) : signal;
    const end = await endOf(pending, patience);
    if ('addresses' in end) return end.addresses;
    if (known && !signal.aborted && (patience.aborted || isTemporary(end.error))) return known;
    throw end.error;
  }

  #begin(name: string): EventEmitter | undefined {
    if (this.#pending.size >= this.#lookupsMax()) return undefined;
    const pending = new EventEmitter().setMaxListeners(0);
    this.#pending.set(name, pending);
    void this.#finish(name, pending);
    return pending;
  }

  async #finish(name: string, pending: EventEmitter): Promise<void> {
    const end = await this.#lookUp(name).then(
      (all): LookupEnd => ({ addresses: all.slice(0, ADDRESSES_MAX) }),
      (error: unknown): LookupEnd => ({ error }),
    );
    this.#pending.delete(name);
    if ('addresses' in end) this.#remember(name, end.addresses);
    else if (!isTemporary(end.error)) this.#known.delete(name);
    pending.emit('end', end);
  }

  #remember(name: string, addresses: readonly LookupAddress[]): void {
    this.#known.delete(name);
    this.#known.set(name, addresses);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > KNOWN_NAMES_MAX) this.#known.delete(oldest);
  }

  #refusal(): string {
    const names = [...this.#pending.keys()];
    const more = names.length - QUOTED_NAMES_MAX;
    const quoted = names.slice(0, QUOTED_NAMES_MAX).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
    return `was not asked: its name is not looked up while no answer comes for ${quoted}; look at the name server of where the operator runs`;
  }
}

/** Of this process: threads are shared by all of it. */
export const NAME_LOOKUPS = new NameLookups((name) => lookup(name, { all: true }), lookupsMax);

/** A call that is given up leaves nothing behind, however long the lookup goes on. */
async function endOf(pending: EventEmitter, signal: AbortSignal): Promise<LookupEnd> {
  try {
    const [end] = (await once(pending, 'end', { signal })) as [LookupEnd];
    return end;
  } catch (error) {
    return { error };
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAI_AGAIN';
}
