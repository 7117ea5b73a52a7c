/** What a benchmark must show, and whether it did. */
export interface Budget {
  readonly name: string;
  /** What was measured, in words. */
  readonly measured: string;
  readonly isMet: boolean;
}

export function renderBudgets(budgets: readonly Budget[]): string {
  return budgets
    .map(({ name, measured, isMet }) => `${isMet ? 'met    ' : 'NOT MET'}  ${name}: ${measured}`)
    .join('\n');
}
