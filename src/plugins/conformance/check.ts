/** One rule of the notifier contract that shows from outside whether a plugin keeps it. */
import type { Asker } from './asker.ts';

export type Finding =
  | { readonly kind: 'passed' }
  /** What the plugin did instead of what the rule says. */
  | { readonly kind: 'failed'; readonly seen: string }
  /** The plugin did not get into the situation that the rule is about; and how it would, where the author can do that. */
  | { readonly kind: 'undecided'; readonly why: string }
  /** The contract allows what the plugin did; whoever wrote it should know what comes of it. */
  | { readonly kind: 'noted'; readonly seen: string };

export interface Check {
  /** For reports and scripts: `cancel-twice`. */
  readonly name: string;
  readonly rule: string;
  /** Where the rule stands: page, and heading, below docs/. */
  readonly section: string;
  /** Plays its part at the plugin. Rejects only when the plugin cannot be reached any more. */
  play(asker: Asker): Promise<Finding>;
}

export const PASSED: Finding = { kind: 'passed' };

export function failed(seen: string): Finding {
  return { kind: 'failed', seen };
}

export function undecided(why: string): Finding {
  return { kind: 'undecided', why };
}

export function noted(seen: string): Finding {
  return { kind: 'noted', seen };
}

/** One finding of several: a failure outweighs all, and one thing decided is enough. */
export function summarize(findings: readonly Finding[]): Finding {
  const failures = findings.flatMap((finding) => (finding.kind === 'failed' ? [finding.seen] : []));
  if (failures.length > 0) return failed([...new Set(failures)].join('; '));
  return findings.find(({ kind }) => kind === 'passed') ?? findings[0] ?? undecided('there was nothing to ask');
}
