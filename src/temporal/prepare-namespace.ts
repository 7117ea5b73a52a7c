/** Brings a Temporal namespace to where this project can use it, changing no more than is missing. */
import { setTimeout as delay } from 'node:timers/promises';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import type { NamespaceAdmin } from './namespace-admin.ts';
import { grpcCodeOf } from './no-answer.ts';

export interface WantedNamespace {
  readonly namespace: string;
  /** Unset: an existing namespace keeps its own, a new one gets the default. In ms. */
  readonly retentionMs?: number;
}

const HOUR_MS = 3_600_000;
/** gRPC's status codes. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
/** New namespaces and search attributes are read from caches, which are filled anew every few seconds. */
const LOOK_EVERY_MS = 1_000;
/**
 * Histories are read again by two: whoever succeeds a lock workflow that was terminated, while all operators were away, and
 * `memhp replay`, of the operations before an upgrade. A day outlasts a night without operators, and is the least that
 * Temporal's servers take. Were a history gone, its locks would be settled on the node: slower, and as safe.
 */
export const RETENTION_MIN_MS = 24 * HOUR_MS;
/** People ask on Monday what happened on Tuesday; an operation's history is some 20 KiB. */
export const RETENTION_DEFAULT_MS = 7 * RETENTION_MIN_MS;

/** One thing that is missing, and `make`, which provides it. */
export interface MissingPart {
  readonly what: string;
  readonly make: () => Promise<void>;
}

export type NamespaceFindings =
  | { readonly kind: 'missing'; readonly parts: readonly MissingPart[] }
  | { readonly kind: 'ready'; readonly retentionMs: number; readonly advice?: string }
  /** Somebody else uses the name of a search attribute for something else. */
  | { readonly kind: 'conflict'; readonly message: string };

/** What is missing now. Of a namespace that does not exist its search attributes are not known: look again afterwards. */
export async function inspectNamespace(admin: NamespaceAdmin, wanted: WantedNamespace): Promise<NamespaceFindings> {
  const { namespace, retentionMs: wantedMs } = wanted;
  const retentionMs = await admin.retentionMs();
  if (retentionMs === undefined) {
    const newMs = wantedMs ?? RETENTION_DEFAULT_MS;
    const what = `namespace ${namespace}, with a retention of ${hours(newMs)}`;
    return { kind: 'missing', parts: [{ what, make: () => admin.create(newMs) }] };
  }
  const found = await admin.searchAttributes();
  const clash = Object.values(SEARCH_ATTRIBUTES).find((name) => found[name] !== undefined && found[name] !== 'Keyword');
  if (clash !== undefined) {
    const message =
      `search attribute ${clash} of namespace ${namespace} is of type ${found[clash] ?? ''}, and must be a Keyword. ` +
      'Somebody else uses that name; its type cannot be changed. Use a namespace of its own: TEMPORAL_NAMESPACE, or `namespace` in the profile.';
    return { kind: 'conflict', message };
  }
  const parts = missingParts(admin, { namespace, found, retentionMs, ...(wantedMs === undefined ? {} : { wantedMs }) });
  if (parts.length > 0) return { kind: 'missing', parts };
  const isShort = retentionMs < RETENTION_MIN_MS;
  const advice = `its retention of ${hours(retentionMs)} is shorter than ${hours(RETENTION_MIN_MS)}: --retention changes it`;
  return { kind: 'ready', retentionMs, ...(isShort ? { advice } : {}) };
}

export interface PrepareOptions {
  /** When to give up, in ms since the epoch. */
  readonly endMs: number;
  readonly onMade: (what: string) => void;
  /** Tests have no time. */
  readonly everyMs?: number;
}

type Prepared = Exclude<NamespaceFindings, { kind: 'missing' }>;

/**
 * Makes what is missing, step by step: what a namespace lacks shows only once it exists, and it exists for all of the server
 * only after seconds, whoever has created it. Repeated, or at the same time as another, it changes nothing. Throws when the server does not show at
 * `endMs` what it has taken.
 */
export async function prepareNamespace(
  admin: NamespaceAdmin,
  wanted: WantedNamespace,
  { endMs, onMade, everyMs = LOOK_EVERY_MS }: PrepareOptions,
): Promise<Prepared> {
  const made = new Set<string>();
  const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        // Of a namespace that was not described yet, nothing else is asked: it is not there for all of the server yet.
        if (grpcCodeOf(error) !== NOT_FOUND || Date.now() > endMs) throw error;
        await delay(everyMs);
      }
    }
  };
  for (;;) {
    const findings = await patiently(() => inspectNamespace(admin, wanted));
    if (findings.kind !== 'missing') return findings;
    const next = findings.parts.find(({ what }) => !made.has(what));
    if (next) {
      const isOurs = await patiently(() => makeUnlessThere(next));
      made.add(next.what);
      if (isOurs) onMade(next.what);
    } else {
      const shown = findings.parts.map(({ what }) => what).join('; ');
      if (Date.now() > endMs)
        throw new Error(`the server took this and does not show it yet: ${shown}. Repeat in a minute.`);
      await delay(everyMs);
    }
  }
}

/** False: somebody else has made it meanwhile, or one of several that are made together. */
async function makeUnlessThere({ make }: MissingPart): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if (grpcCodeOf(error) !== ALREADY_EXISTS) throw error;
    return false;
  }
}

function missingParts(
  admin: NamespaceAdmin,
  known: {
    readonly namespace: string;
    readonly found: Readonly<Record<string, string>>;
    readonly retentionMs: number;
    readonly wantedMs?: number;
  },
): readonly MissingPart[] {
  const { namespace, found, retentionMs, wantedMs } = known;
  const names = Object.values(SEARCH_ATTRIBUTES).filter((name) => found[name] === undefined);
  const attributes: MissingPart = {
    what: `search attributes ${names.join(', ')} (Keyword) in namespace ${namespace}`,
    make: () => admin.addKeywords(names),
  };
  const retention: MissingPart = {
    what: `a retention of ${hours(wantedMs ?? 0)} in namespace ${namespace}, which has ${hours(retentionMs)}`,
    make: () => admin.changeRetention(wantedMs ?? 0),
  };
  const isOther = wantedMs !== undefined && wantedMs !== retentionMs;
  return [...(names.length > 0 ? [attributes] : []), ...(isOther ? [retention] : [])];
}

/** `168h` */
export function hours(ms: number): string {
  return `${String(Math.round(ms / HOUR_MS))}h`;
}
