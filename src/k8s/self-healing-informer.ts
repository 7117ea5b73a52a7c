/**
 * A local copy of all objects of one kind that follows the API server and outlives its failures.
 *
 * The library's informer stops at the first error that is not a timeout, has no resync, and cannot be stopped and
 * started without the old watch ending the new one; so this is a loop of our own around the library's Watch:
 * list, watch from there, and on any error list again after a jittered backoff.
 */
import { Watch, type KubeConfig } from '@kubernetes/client-node';
import type { ObjectMeta } from '../contract/resources.ts';
import { jitteredBackoffMs } from '../controller/backoff.ts';
import { pause, systemClock, type Clock } from '../controller/clock.ts';
import { isNotFound } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import type { ResourceKind } from './resource-kind.ts';
import { watchOnce } from './watch-once.ts';

/** First retry soon, for a server that restarts takes seconds; later ones seldom enough not to hinder its start. */
const BACKOFF = { baseMs: 250, maxMs: 10_000 };
/** A kind that is not installed is somebody's next command: looked for often, but not told of again. */
const MISSING_KIND_RETRY_MS = 1_000;
/** A watch that ended sooner than this counts as a failure: a proxy that cuts watches must not cause a storm of them. */
const SHORT_WATCH_MS = 1_000;
/** Bounds for how long an event that got lost on the way could go unnoticed. */
const RELIST_MS = 600_000;
/** Twice the library's idle limit of a watch: a failure that heals within one reconnect is not worth being unready. */
const STALE_AFTER_MS = 60_000;

/** What every object of any kind has. */
export interface KubernetesThing {
  readonly metadata: ObjectMeta & { readonly namespace?: string };
}

export type ChangeKind = 'add' | 'update' | 'delete';

/** `missing`: the server does not know the kind, because its CRD is not installed. */
export type InformerState = 'starting' | 'synced' | 'failing' | 'missing';

export interface InformerOptions<T extends KubernetesThing> {
  readonly kubeConfig: KubeConfig;
  readonly kind: ResourceKind;
  readonly fieldSelector?: string;
  /** Every object is told again, as an update, at each list: at least this often. */
  readonly relistMs?: number;
  readonly staleAfterMs?: number;
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  readonly onChange?: (object: T, change: ChangeKind) => void;
  /** Called when the state changes, and with the error that caused it. */
  readonly onState?: (state: InformerState, error?: unknown) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export class SelfHealingInformer<T extends KubernetesThing> {
  private readonly options: InformerOptions<T>;
  private readonly clock: Clock;
  private readonly objects = new Map<string, T>();
  private readonly stopping = new AbortController();
  private readonly firstSync = Promise.withResolvers<undefined>();
  private loop: Promise<void> | undefined;
  private failures = 0;
  private current: InformerState = 'starting';
  private failingSinceMs: number | undefined;

  constructor(options: InformerOptions<T>) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** Starts to follow; returns at once. */
  start(): void {
    this.loop ??= this.run();
  }

  /** Ends the watch; no handler is called after this returns. It cannot be started again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.firstSync.resolve(undefined);
    await this.loop;
  }

  /** `name`, or `namespace/name` of a namespaced kind. */
  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  list(): readonly T[] {
    return [...this.objects.values()];
  }

  get state(): InformerState {
    return this.current;
  }

  /** Whether the copy is complete and no older than a failure of `staleAfterMs`. */
  isAlive(): boolean {
    if (this.current === 'synced') return true;
    if (this.current !== 'failing' || this.failingSinceMs === undefined) return false;
    return this.clock.nowMs() - this.failingSinceMs < (this.options.staleAfterMs ?? STALE_AFTER_MS);
  }

  /** Resolves once all objects were listed for the first time, or the kind was found not to exist, or on stop. */
  async whenSynced(): Promise<void> {
    await this.firstSync.promise;
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.listAndWatch();
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  /** One list and the watches that follow it, until the relist is due or the server says that too much was missed. */
  private async listAndWatch(): Promise<void> {
    const { items, resourceVersion } = await this.readList();
    if (this.stopped) return;
    this.replace(items);
    this.become('synced');
    const relist = new AbortController();
    const cancelRelist = this.clock.after(this.options.relistMs ?? RELIST_MS, () => {
      relist.abort();
    });
    try {
      await this.follow(resourceVersion, AbortSignal.any([this.stopping.signal, relist.signal]));
    } finally {
      cancelRelist();
    }
  }

  private async follow(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const watch = new Watch(this.options.kubeConfig);
    let from = resourceVersion;
    while (!signal.aborted) {
      const startedMs = this.clock.nowMs();
      const end = await watchOnce<T>({
        watch,
        path: this.options.kind.path,
        query: { resourceVersion: from, fieldSelector: this.options.fieldSelector, allowWatchBookmarks: true },
        signal,
        onEvent: (phase, object) => {
          this.failures = 0;
          this.apply(phase, object);
        },
      });
      if (end.kind === 'expired') return;
      from = end.resourceVersion ?? from;
      if (this.clock.nowMs() - startedMs >= SHORT_WATCH_MS) this.failures = 0;
      else await this.backOff(signal);
    }
  }

  private async readList(): Promise<{ items: readonly T[]; resourceVersion: string }> {
    const { kubeConfig, kind, fieldSelector } = this.options;
    const answer = await apiRequest(kubeConfig, { method: 'GET', path: kind.path, query: { fieldSelector } });
    const list = answer as { items?: readonly T[]; metadata?: { resourceVersion?: string } };
    return { items: list.items ?? [], resourceVersion: list.metadata?.resourceVersion ?? '' };
  }

  /** A kind that is gone has no objects: they are told as deleted. After any other error the copy stays as it was. */
  private async recover(error: unknown): Promise<void> {
    if (this.stopped) return;
    if (isNotFound(error)) {
      this.replace([]);
      this.become('missing', error);
      await pause(this.clock, MISSING_KIND_RETRY_MS, this.stopping.signal);
      return;
    }
    if (this.current !== 'starting') this.become('failing', error);
    else this.options.onState?.('starting', error);
    await this.backOff(this.stopping.signal);
  }

  private async backOff(signal: AbortSignal): Promise<void> {
    const random = this.options.random ?? Math.random;
    await pause(this.clock, jitteredBackoffMs(this.options.backoff ?? BACKOFF, this.failures++, random), signal);
  }

  private replace(items: readonly T[]): void {
    const names = new Set(items.map(keyOf));
    for (const [name, object] of [...this.objects]) {
      if (names.has(name)) continue;
      this.objects.delete(name);
      this.tell(object, 'delete');
    }
    for (const object of items) this.put(object);
  }

  private apply(phase: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (this.stopped) return;
    if (phase !== 'DELETED') {
      this.put(object);
    } else if (this.objects.delete(keyOf(object))) {
      this.tell(object, 'delete');
    }
  }

  private put(object: T): void {
    const change = this.objects.has(keyOf(object)) ? 'update' : 'add';
    this.objects.set(keyOf(object), object);
    this.tell(object, change);
  }

  private tell(object: T, change: ChangeKind): void {
    this.options.onChange?.(object, change);
  }

  private become(state: InformerState, error?: unknown): void {
    if (state === 'failing') this.failingSinceMs ??= this.clock.nowMs();
    else this.failingSinceMs = undefined;
    const changed = state !== this.current;
    this.current = state;
    if (changed) this.options.onState?.(state, error);
    if (state !== 'failing') this.firstSync.resolve(undefined);
  }
}

function keyOf({ metadata }: KubernetesThing): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
