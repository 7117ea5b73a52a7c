/** Several answers to a scrape as one. */
import type { Registry } from 'prom-client';

export interface MetricsPart {
  /** Of a metric, or of whoever else tells some. */
  readonly name: string;
  /** In Prometheus' text format. */
  readonly tell: () => Promise<string>;
}

type TellFailure = (part: string) => void;

/** Each metric as a part of its own, so that one which cannot be told hides no other. */
export function partsOf(registry: Registry): readonly MetricsPart[] {
  return registry.getMetricsAsArray().map(({ name }) => ({ name, tell: () => registry.getSingleMetricAsString(name) }));
}

/**
 * Joins what all parts tell. A part that gives no answer is left out with a comment that says why, and `onFailure` is
 * told: who watches should not lose sight of everything else. Rejects when none gives any.
 */
export async function mergeMetrics(
  parts: readonly MetricsPart[],
  onFailure: TellFailure = () => undefined,
): Promise<string> {
  const answers = await Promise.allSettled(parts.map(({ tell }) => tell()));
  if (answers.length > 0 && answers.every(({ status }) => status === 'rejected')) {
    const reasons = answers.map((answer) => (answer as PromiseRejectedResult).reason as unknown);
    throw new AggregateError(reasons, `no metric can be told: ${String(reasons[0])}`);
  }
  return answers.map((answer, index) => textOf(answer, parts[index]?.name ?? '', onFailure)).join('');
}

function textOf(answer: PromiseSettledResult<string>, name: string, onFailure: TellFailure): string {
  if (answer.status === 'fulfilled') {
    const text = answer.value;
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  }
  onFailure(name);
  return `# ${name} is missing: ${String(answer.reason).replaceAll('\n', ' ')}\n`;
}
