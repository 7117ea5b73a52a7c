/** One watch request from its first to its last event. */
import type { Watch } from '@kubernetes/client-node';
import { codeOf } from './api-error.ts';

export type WatchPhase = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchRequest<T> {
  readonly watch: Watch;
  readonly path: string;
  readonly query: Readonly<Record<string, string | boolean | undefined>>;
  readonly signal: AbortSignal;
  readonly onEvent: (phase: WatchPhase, object: T) => void;
  readonly onOpened: () => void;
  /** An event or a bookmark came, whatever it says. */
  readonly onHeard: () => void;
}

/** `closed`: watch on from `resourceVersion`, where one was seen. `expired`: events were missed, so list again (410). */
export type WatchEnd = { readonly kind: 'closed'; readonly resourceVersion?: string } | { readonly kind: 'expired' };

interface Versioned {
  readonly metadata?: { readonly resourceVersion?: string };
}

/** Resolves when the watch ends or `signal` is aborted; throws what the server or the network said otherwise. */
export function watchOnce<T extends Versioned>(request: WatchRequest<T>): Promise<WatchEnd> {
  const { watch, path, query, signal } = request;
  return new Promise((resolve, reject) => {
    let resourceVersion: string | undefined;
    let isOver = false;
    let connection: AbortController | undefined;
    const settle = (act: () => void) => {
      if (isOver) return;
      isOver = true;
      signal.removeEventListener('abort', onAbort);
      connection?.abort();
      act();
    };
    const close = () => {
      settle(() => {
        resolve(resourceVersion === undefined ? { kind: 'closed' } : { kind: 'closed', resourceVersion });
      });
    };
    const fail = (error: unknown) => {
      settle(() => {
        if (codeOf(error) === 410) resolve({ kind: 'expired' });
        else reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
      });
    };
    const onAbort = close;
    // The library swallows what this callback throws, so it must not go unseen.
    const onEvent = (phase: string, object: T) => {
      if (isOver) return;
      request.onHeard();
      try {
        if (phase === 'ERROR') fail(Object.assign(new Error('the watch reported an error'), object));
        else resourceVersion = deliver(phase, object, request.onEvent);
      } catch (error) {
        fail(error);
      }
    };
    const onDone = (error: unknown) => {
      if (error && !isIdleTimeout(error)) fail(error);
      else close();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    watch.watch(path, query, onEvent, onDone).then((opened) => {
      connection = opened;
      if (isOver) opened.abort();
      else request.onOpened();
    }, fail);
  });
}

function deliver<T extends Versioned>(
  phase: string,
  object: T,
  onEvent: WatchRequest<T>['onEvent'],
): string | undefined {
  if (phase === 'ADDED' || phase === 'MODIFIED' || phase === 'DELETED') onEvent(phase, object);
  return object.metadata?.resourceVersion;
}

/** The library ends a watch that was silent for 30 s: nothing was missed. */
function isIdleTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
