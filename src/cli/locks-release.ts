/** `memhp locks release`: a human takes a lock away from a holder that will not give it back. */
import { Command, InvalidArgumentError } from 'commander';
import type { ReleaseLockInput } from '../contract/locks.ts';
import type { LockServiceClient, ReleaseAnswer } from '../temporal/lock-service-client.ts';
import { askClusterId, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { renderHolders } from './render-locks.ts';
import { userAtHost } from './user-at-host.ts';

interface ReleaseCommandOptions extends ClusterOptions {
  readonly node: string;
  readonly token: number;
  readonly reason: string;
  readonly by?: string;
  readonly unsafe?: true;
  readonly timeout: number;
}

/** A settlement waits for a write that is under way; most take seconds. */
const TIMEOUT_SECONDS = 60;
const EXPLANATION = `
The holder of a lock is a workflow. Where it lives, cancel it instead: it then gives its locks back in good order. Release a lock
whose holder is gone for good, or will never end. The token (see memhp locks) makes sure that you release what you looked at:
it is refused once somebody else holds the lock.

First the node's agent settles the token: it refuses every further step of the holder, interrupts a write that is under way
and waits until that has stopped. Only then the next in the queue gets the lock.

--unsafe does not wait for the agent. If the old holder's write is still under way on the node, the next holder works at the same
time on the same memory. Use it only where you know that nothing goes on there: the machine is off, or you have looked.

Who released what, and why, is kept in the history of the lock workflow and told by an event on the NodeMemory.

Example:
  memhp locks release --node worker-1 device_hotplug_lock --token 4294967298 --reason 'operator of worker-1 was uninstalled'`;

export function locksReleaseCommand(): Command {
  const command = new Command('release')
    .description('take a lock away from its holder, after making sure that the node has stopped to work for it')
    .argument('<lock>', 'as memhp locks names it: device_hotplug_lock, device_lock/memory32, mem_hotplug_lock')
    .requiredOption('--node <name>', 'the node whose lock it is')
    .requiredOption('--token <token>', 'token of the holder, as memhp locks shows it', parsePositive)
    .requiredOption('--reason <text>', 'why; kept in the history and told by an event')
    .option('--by <name>', 'who; default: your user name and this host')
    .option('--unsafe', "do not wait for the node's agent; see below")
    .option('--timeout <seconds>', 'how long to wait; the release itself goes on', parsePositive, TIMEOUT_SECONDS)
    .addHelpText('after', EXPLANATION)
    .action(releaseLock);
  return withClusterOptions(command);
}

async function releaseLock(lock: string, options: ReleaseCommandOptions): Promise<void> {
  const [{ connectClient }, { LockServiceClient }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/lock-service-client.ts'),
  ]);
  const cluster = await askClusterId(options);
  const { client, close } = await connectClient();
  try {
    const service = new LockServiceClient(client, cluster);
    const { node, token, by = userAtHost(), reason, unsafe: isUnsafe = false } = options;
    const input: ReleaseLockInput = { lock, token, by, reason, isUnsafe };
    const answer = await service.release(node, input, options.timeout * 1000);
    if (answer.kind === 'released') process.stdout.write(describeRelease(node, input, answer));
    else throw new Error(await describeFailure(service, node, input, answer));
  } finally {
    await close();
  }
}

function describeRelease(
  node: string,
  { lock, token }: ReleaseLockInput,
  { holder, purpose, isSettled }: Extract<ReleaseAnswer, { kind: 'released' }>,
): string {
  const settled = isSettled
    ? `Settled: the agent of ${node} refuses token ${String(token)}, and nothing goes on under it.`
    : `Not settled: the agent of ${node} has not confirmed that nothing goes on under token ${String(token)}.`;
  return [
    `Released ${lock} of ${node}.`,
    `It was held by ${purpose}: workflow ${holder.workflowId}, run ${holder.runId}.`,
    `${settled}\n`,
  ].join('\n');
}

async function describeFailure(
  service: LockServiceClient,
  node: string,
  { lock, token }: ReleaseLockInput,
  answer: Exclude<ReleaseAnswer, { kind: 'released' }>,
): Promise<string> {
  switch (answer.kind) {
    case 'no-entity':
      return `nothing released: no lock workflow of ${node} runs; the next request for a lock starts one`;
    case 'silent':
      return `nothing known to be released: ${answer.reason}`;
    case 'unfinished':
      return (
        `not released yet: the agent of ${node} is still settling token ${String(token)}. The release goes on; memhp locks ` +
        'shows how it ends. --timeout waits longer.'
      );
    case 'refused': {
      const [now] = await service.read([node]);
      return `refused: ${answer.message}\n${now ? renderHolders(now, lock, Date.now()) : ''}`;
    }
  }
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('it must be a positive integer');
  return value;
}
