/** What came of the checks of a plugin, as lines for people and as JSON for scripts. */
import type { Check, Finding } from '../plugins/conformance/check.ts';

export interface PlayedCheck {
  readonly check: Pick<Check, 'name' | 'rule' | 'section'>;
  readonly finding: Finding;
}

const MARK: Readonly<Record<Finding['kind'], string>> = { passed: '✓', failed: '✗', undecided: '–', noted: '!' };

export interface ConformanceCount {
  readonly passed: number;
  readonly failed: number;
  readonly undecided: number;
  readonly noted: number;
}

export function renderCheck({ check: { name, rule, section }, finding }: PlayedCheck): string {
  const mark = `${MARK[finding.kind]} ${name}`;
  switch (finding.kind) {
    case 'passed':
      return `${mark}: ${rule}\n`;
    case 'undecided':
      return `${mark}: not decided: ${finding.why}\n`;
    case 'failed':
    case 'noted':
      return `${mark}\n    seen      ${finding.seen}\n    contract  ${rule}\n    see       docs/${section}\n`;
  }
}

export function count(played: readonly PlayedCheck[]): ConformanceCount {
  const of = (kind: Finding['kind']): number => played.filter(({ finding }) => finding.kind === kind).length;
  return { passed: of('passed'), failed: of('failed'), undecided: of('undecided'), noted: of('noted') };
}

/** `missing`: how many checks were not played, because somebody interrupted. */
export function renderSummary(played: readonly PlayedCheck[], missing = 0): string {
  const { passed, failed, undecided, noted } = count(played);
  const parts = [`${String(passed)} passed`, `${String(failed)} failed`, `${String(undecided)} not decided`];
  if (noted > 0) parts.push(`${String(noted)} noted`);
  if (missing > 0) parts.push(`${String(missing)} not played: interrupted`);
  return `\n${parts.join(', ')}\n`;
}

export function conformanceJson(target: string, played: readonly PlayedCheck[], missing = 0): string {
  const checks = played.map(({ check: { name, rule, section }, finding: { kind, ...detail } }) => ({
    name,
    result: kind,
    ...detail,
    rule,
    see: `docs/${section}`,
  }));
  return `${JSON.stringify({ target, ...count(played), notPlayed: missing, checks }, undefined, 2)}\n`;
}
