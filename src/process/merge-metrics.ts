/** Several answers to a scrape as one. */

/**
 * Joins texts in Prometheus' format. A part that gives no answer is left out with a comment that says why: who watches
 * should not lose sight of everything else.
 */
export async function mergeMetrics(parts: readonly (() => Promise<string>)[]): Promise<string> {
  const texts = await Promise.all(parts.map(tell));
  return texts.map((text) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)).join('');
}

async function tell(part: () => Promise<string>): Promise<string> {
  try {
    return await part();
  } catch (error) {
    return `# a part is missing: ${String(error).replaceAll('\n', ' ')}\n`;
  }
}
