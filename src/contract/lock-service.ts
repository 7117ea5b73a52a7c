/** What the controller needs from the lock service. Implemented in src/temporal/; every method rejects when the server is unreachable. */
import type { LockTableView } from './locks.ts';

export interface LockService {
  /** `stopped`: no lock entity of the node runs. Undefined: it cannot answer now, because no worker runs it. */
  table(node: string): Promise<LockTableView | 'stopped' | undefined>;
  /** Starts the node's lock entity where none runs; one that runs notices nothing. */
  wake(node: string): Promise<void>;
}
