/** What one reader process of the benchmark is told, and what it reports. */
export interface ReaderTask {
  readonly lock:
    | {
        readonly kind: 'online-mems';
        readonly directory: string;
        /** Another reader of the process is inside all the time, so that only the counter moves. */
        readonly besideAnother: boolean;
      }
    | {
        readonly kind: 'etcd';
        readonly url: string;
        /** Readers at once in this process. */
        readonly concurrency: number;
      };
  /** Milliseconds since the epoch: all processes of a measurement start together. */
  readonly startAtMs: number;
  readonly durationMs: number;
  /** Where the ReaderResult is left as JSON: a pipe would be a socket. */
  readonly resultFile: string;
}

export interface ReaderResult {
  readonly pairs: number;
  readonly elapsedMs: number;
  /** Sockets that the process made in all its life, as Node tells. */
  readonly socketsOpened: number;
  /** Descriptors that are sockets, as the kernel tells, while it still holds what it worked with. */
  readonly socketsHeld: number;
}
