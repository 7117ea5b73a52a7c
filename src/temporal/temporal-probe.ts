/** Whether the Temporal server answers: asked now and then, so that a probe of the kubelet need not wait. */
import type { NativeConnection } from '@temporalio/worker';
import type { TemporalConnections } from './connect-temporal.ts';

/** An outage shows within both together. What is asked for costs the server nothing. */
const EVERY_MS = 5_000;
/** That it is back is somebody's news, too. */
const EVERY_WHILE_AWAY_MS = 1_000;
const DEADLINE_MS = 3_000;

export interface TemporalProbe {
  check(): { readonly ok: boolean; readonly message: string };
  stop(): void;
}

/** The connections were made just now, so the first answer counts as given. */
export function probeTemporal({ client, native }: TemporalConnections): TemporalProbe {
  let found = { ok: true, message: 'connected' };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function look(): Promise<void> {
    try {
      await Promise.all([askNative(native), askClient(client)]);
      found = { ok: true, message: 'the server answers' };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      found = { ok: false, message: `the server does not answer: ${why}` };
    }
    if (!isStopped) timer = setTimeout(() => void look(), found.ok ? EVERY_MS : EVERY_WHILE_AWAY_MS).unref();
  }

  void look();
  return {
    check: () => found,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Workers poll over this one. It has a deadline only where the caller gives it one. */
function askNative(native: NativeConnection): Promise<unknown> {
  return native.withDeadline(Date.now() + DEADLINE_MS, () => native.workflowService.getSystemInfo({}));
}

function askClient({ connection }: TemporalConnections['client']): Promise<unknown> {
  return connection.withDeadline(Date.now() + DEADLINE_MS, () => connection.workflowService.getSystemInfo({}));
}
