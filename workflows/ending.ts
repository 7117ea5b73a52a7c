/** How an operation ends, before the frame adds what it knows itself. */
import type { DriverResult } from '../src/contract/driver.ts';
import type { OperationOutcome } from '../src/contract/operations.ts';
import { vetoMessage } from '../src/contract/veto-message.ts';
import type { ChainVerdict } from '../src/kernel/notifier-chain.ts';
import type { MemoryAction } from '../src/kernel/memory-action.ts';
import type { Refused } from './lock-client.ts';

export type Ending = Omit<OperationOutcome, 'type' | 'notifiers' | 'chain' | 'fencingToken'>;

export function failed(errno: NonNullable<Ending['errno']>, message: string, cause?: Ending['cause']): Ending {
  return { result: 'Failed', errno, message, ...(cause ? { cause } : {}) };
}

/** The ending of an operation whose driver step answered an errno. Refused as stale: what became of it is not known. */
export function driverFailed({ errno, message }: Extract<DriverResult, { ok: false }>): Ending {
  return errno === 'ESTALE' ? { result: 'Unknown', errno, message } : failed(errno, message);
}

/** The ending of an operation whose request for locks was refused. */
export function refused({ errno, message }: Refused): Ending {
  if (errno === 'ECANCELED') return { result: 'Superseded', message };
  if (errno === 'ETIMEDOUT') return failed(errno, message, 'LockTimeout');
  return failed(errno, message, errno === 'EDEADLK' ? 'Deadlock' : undefined);
}

/** The ending of an operation that a plugin vetoed. */
export function vetoed(action: MemoryAction, verdict: Extract<ChainVerdict, { kind: 'vetoed' }>): Ending {
  const { by, errno, reason, retryAfterSeconds, outlook } = verdict;
  return {
    result: 'Vetoed',
    errno,
    message: vetoMessage({ by, action, errno, reason }),
    ...(outlook ? { cause: outlook } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
