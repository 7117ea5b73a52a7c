/**
 * A local copy of all objects of one kind that follows the API server and outlives its failures.
 *
 * The library's informer stops at the first error that is not a timeout, has no resync, and cannot be stopped and
 * started without the old watch ending the new one; so this is a loop of our own around the library's Watch:
 * list, watch from there, and on any error list again after a jittered backoff.
 */
import { Watch, type KubeConfig } from '@kubernetes/client-node';
import { jitteredBackoffMs } from '../controller/backoff.ts';
import { pause, systemClock, type Clock } from '../controller/clock.ts';
import { codeOf, MissingKindError } from './api-error.ts';
import { observerOf, tellRequest, type WatchRestart } from './api-observer.ts';
import { listObjects } from './list-objects.ts';
import { ObjectCopy, type ChangeKind, type KubernetesThing } from './object-copy.ts';
import type { ResourceKind } from './resource-kind.ts';
import { watchOnce, type WatchEnd } from './watch-once.ts';

/** First retry soon, for a server that restarts takes seconds; later ones seldom enough not to hinder its start. */
const BACKOFF = { baseMs: 250, maxMs: 10_000 };
/** A kind that is not installed is somebody's next command: looked for often, but not told of again. */
const MISSING_KIND_RETRY_MS = 1_000;
/** A watch that ended sooner than this counts as a failure: a proxy that cuts watches must not cause a storm of them. */
const SHORT_WATCH_MS = 1_000;
/** Bounds for how long an event that got lost on the way could go unnoticed. */
const RELIST_MS = 600_000;
/** The library ends a watch that is silent for 30 s, and the next one is answered at once, or else nobody is there. */
const SILENCE_MAX_MS = 45_000;

/** `missing`: the server does not know the kind, because its CRD is not installed. */
export type InformerState = 'starting' | 'synced' | 'failing' | 'missing';

export interface InformerOptions<T extends KubernetesThing> {
  readonly kubeConfig: KubeConfig;
  readonly kind: ResourceKind;
  readonly fieldSelector?: string;
  /** Every object is told again, as an update, at each list: at least this often. */
  readonly relistMs?: number;
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
  private readonly copy: ObjectCopy<T>;
  private readonly stopping = new AbortController();
  private readonly firstSync = Promise.withResolvers<undefined>();
  private loop: Promise<void> | undefined;
  private failures = 0;
  private current: InformerState = 'starting';
  private lastError: unknown;
  private heardMs = 0;

  constructor(options: InformerOptions<T>) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.copy = new ObjectCopy((object, change) => options.onChange?.(object, change));
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
    return this.copy.get(name);
  }

  list(): readonly T[] {
    return this.copy.list();
  }

  get kind(): string {
    return this.options.kind.kind;
  }

  get state(): InformerState {
    return this.current;
  }

  /**
   * Whether the copy is complete and follows the server: nothing has failed since it was last brought up to date, and the
   * server was heard of within 45 s.
   */
  check(): { readonly ok: boolean; readonly message: string } {
    if (this.current !== 'synced') {
      const why = this.lastError === undefined ? '' : `: ${messageOf(this.lastError)}`;
      return { ok: false, message: `${this.current}${why}` };
    }
    const silenceMs = this.clock.nowMs() - this.heardMs;
    if (silenceMs <= SILENCE_MAX_MS) return { ok: true, message: 'synced' };
    return { ok: false, message: `nothing was heard of the API server for ${String(Math.round(silenceMs / 1000))} s` };
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
    const { kubeConfig, kind, fieldSelector } = this.options;
    const { items, resourceVersion } = await listObjects<T>(kubeConfig, kind, fieldSelector);
    if (this.stopped) return;
    this.heard();
    this.copy.replace(items);
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
      const end = await this.watchFrom(watch, from, signal);
      if (!end) return;
      this.tellRestart(end.kind);
      if (end.kind === 'expired') return;
      from = end.resourceVersion ?? from;
      if (this.clock.nowMs() - startedMs >= SHORT_WATCH_MS) this.failures = 0;
      else await this.backOff(signal);
    }
  }

  /** Undefined when `signal` has ended it. */
  private async watchFrom(watch: Watch, resourceVersion: string, signal: AbortSignal): Promise<WatchEnd | undefined> {
    const { kubeConfig, kind, fieldSelector } = this.options;
    let openings = 0;
    let code = 0;
    try {
      const end = await watchOnce<T>({
        watch,
        path: kind.path,
        query: { resourceVersion, fieldSelector, allowWatchBookmarks: true },
        signal,
        onOpened: () => {
          openings += 1;
          this.heard();
          tellRequest(kubeConfig, 'GET', 200);
        },
        onHeard: () => {
          this.heard();
        },
        onEvent: (phase, object) => {
          this.failures = 0;
          this.copy.apply(phase, object);
        },
      });
      return signal.aborted ? undefined : end;
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      if (openings === 0 && !signal.aborted) tellRequest(kubeConfig, 'GET', code);
    }
  }

  private heard(): void {
    this.heardMs = this.clock.nowMs();
  }

  private tellRestart(reason: WatchRestart): void {
    observerOf(this.options.kubeConfig)?.watchRestarted(this.options.kind.kind, reason);
  }

  /** A kind that is gone has no objects: they are told as deleted. After any other error the copy stays as it was. */
  private async recover(error: unknown): Promise<void> {
    if (this.stopped) return;
    this.lastError = error;
    this.tellRestart('failed');
    if (error instanceof MissingKindError) {
      this.copy.replace([]);
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

  private become(state: InformerState, error?: unknown): void {
    if (state === 'synced') this.lastError = undefined;
    const changed = state !== this.current;
    this.current = state;
    if (changed) this.options.onState?.(state, error);
    if (state !== 'failing') this.firstSync.resolve(undefined);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
