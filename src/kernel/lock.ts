/** A lock, and who holds it. */
export type LockName = string;
export type LockMode = 'read' | 'write';

export interface WantedLock {
  readonly name: LockName;
  readonly mode: LockMode;
}

export interface HeldLock extends WantedLock {
  readonly token: number;
  /** When it was granted, in ms since the epoch; a token that was renewed does not change it. */
  readonly sinceMs: number;
}

/** A workflow run. The run id alone identifies it; the workflow id is where it can be reached. */
export interface LockHolder {
  readonly workflowId: string;
  readonly runId: string;
}
