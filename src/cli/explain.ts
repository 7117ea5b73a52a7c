/** `memhp explain`: what would happen to a block, who would veto it and what it would wait for. */
import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import { EXPLAIN_GOALS, wouldGoThrough, type ExplainGoal, type Explanation } from '../contract/explain.ts';
import type { NodeLocksAnswer } from '../temporal/lock-service-client.ts';
import type { ExplainAnswer } from '../temporal/start-explain.ts';
import { askClusterId, withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { parseBlock, type NamedBlock } from './parse-block.ts';
import { locksIn, renderExplanation } from './render-explanation.ts';
import { say } from './say.ts';

interface ExplainOptions extends ClusterOptions {
  readonly to: ExplainGoal;
  readonly output: 'text' | 'json';
}

/** As diff(1): the answer is yes, no, or not to be had. */
const EXIT = { goesThrough: 0, isRefused: 1, notKnown: 2 };
/** An operator that runs takes a question in milliseconds. */
const TAKEN_LIMIT_MS = 10_000;
const EXPLANATION = `
Every notifier that is registered for the block is asked with dryRun: true, also those behind a veto; plugins must answer as they
would, and change nothing. No lock is taken and nothing is written: no object, no event, no metric. The answer is about this moment.

The operator is asked; the node's agent is not: the block is as the agent has last told it.

Exit status: 0 it would go through, after waiting for the locks; 1 somebody would veto or refuse it; 2 this cannot be found out.

Example:
  memhp explain node worker-1 block 32 --to offline`;

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('say what would happen to a memory block, who would veto it and which locks it would wait for')
    .usage('node NAME block ID --to STATE [options]')
    .argument('<words...>', 'node NAME block ID: the node, and the number of its memory block')
    .addOption(
      new Option('--to <state>', 'as if spec.state were set to it; absent: as if the object were deleted with Remove')
        .choices(EXPLAIN_GOALS)
        .makeOptionMandatory(),
    )
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXPLANATION)
    // Status 1 means a refusal, so a mistyped command must not end with it.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT.notKnown))
    .action(async (words: readonly string[], options: ExplainOptions) => {
      try {
        process.exitCode = await explain(parseBlock(words), options);
      } catch (error) {
        say((error as Error).message);
        process.exitCode = EXIT.notKnown;
      }
    });
  return withClusterOptions(command);
}

async function explain(block: NamedBlock, options: ExplainOptions): Promise<number> {
  const [{ connectClient }, { startExplain }, { LockServiceClient }] = await Promise.all([
    import('../temporal/connect-client.ts'),
    import('../temporal/start-explain.ts'),
    import('../temporal/lock-service-client.ts'),
  ]);
  const cluster = await askClusterId(options);
  const { client, close } = await connectClient();
  try {
    const input = { cluster, ...block, to: options.to };
    const answer = await startExplain(client, randomUUID().slice(0, 8), input, TAKEN_LIMIT_MS);
    if (answer.kind !== 'explained') {
      say(whyNotKnown(answer));
      return EXIT.notKnown;
    }
    const [locks] =
      answer.operations.length === 0 ? [] : await new LockServiceClient(client, cluster).read([block.node]);
    process.stdout.write(render(answer, locks, options.output));
    return wouldGoThrough(answer) ? EXIT.goesThrough : EXIT.isRefused;
  } finally {
    await close();
  }
}

function whyNotKnown(answer: Exclude<ExplainAnswer, Explanation>): string {
  switch (answer.kind) {
    case 'silent':
      return `no operator took the question in ${String(TAKEN_LIMIT_MS / 1000)} s; is memhp operator running?`;
    case 'failed':
      return `the operator could not find it out: ${answer.message}`;
    case 'unknown':
      return answer.message;
  }
}

function render(
  explanation: Explanation,
  locks: NodeLocksAnswer | undefined,
  output: ExplainOptions['output'],
): string {
  if (output === 'text') return renderExplanation(explanation, locks, Date.now());
  const wanted = locksIn(explanation);
  const state = locks?.kind === 'table' ? locks.table.locks.filter(({ name }) => wanted.includes(name)) : [];
  const told = {
    goesThrough: wouldGoThrough(explanation),
    ...explanation,
    locks: { wanted, state, lockService: locks?.kind },
  };
  return `${JSON.stringify(told, undefined, 2)}\n`;
}
