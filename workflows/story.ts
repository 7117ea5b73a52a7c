/** An operation as the Temporal UI tells it: one line per lock, plugin and driver step. */
import type { OperationPhase } from '../src/contract/operations.ts';

export function describeStory(phase: OperationPhase, lines: readonly string[]): string {
  const now = phase.detail ? `${phase.phase}: ${phase.detail}` : phase.phase;
  return [`**${now}** since ${phase.since}`, '', ...lines.map((line) => `- ${line}`)].join('\n');
}
