/** Lock entities in memory: what they answer is what a test says. */
import type { LockService } from '../../src/contract/lock-service.ts';
import type { LockParty, LockTableView } from '../../src/contract/locks.ts';
import { NODE } from './block-fixtures.ts';

type Lock = LockTableView['locks'][number];

export class FakeLockService implements LockService {
  isReachable = true;
  answer: LockTableView | 'stopped' | undefined;
  /** Calls, so that a test can tell that there are none. */
  looks = 0;
  readonly woken: string[] = [];

  async table(): Promise<LockTableView | 'stopped' | undefined> {
    this.looks++;
    await Promise.resolve();
    if (!this.isReachable) throw new Error('connection refused');
    return this.answer;
  }

  wake(node: string): Promise<void> {
    this.woken.push(node);
    return Promise.resolve();
  }
}

export function tableOf(locks: readonly Lock[], more: Partial<LockTableView> = {}): LockTableView {
  return { node: NODE, epoch: 1, isRecovering: false, locks, orders: [], lockdep: [], ...more };
}

export function partyOf(purpose: string, runId: string, since: string, more: Partial<LockParty> = {}): LockParty {
  return { purpose, runId, workflowId: `wf-${runId}`, mode: 'write', since, ...more };
}
