/** Plays the kit at a plugin of a test, with little patience. */
import { setTimeout as wait } from 'node:timers/promises';
import { parseAnswer } from '../../../src/contract/notifier-answer.ts';
import type { MemoryNotify, NotifierReply } from '../../../src/contract/notifier.ts';
import type { Finding } from '../../../src/plugins/conformance/check.ts';
import { playChecks, type PlayOptions } from '../../../src/plugins/conformance/play-checks.ts';
import type { PluginUnderTest } from '../../../src/plugins/conformance/plugin-under-test.ts';

export type Notify = (event: MemoryNotify) => unknown;

const PATIENCE = { node: 'worker-1', timeoutMs: 1_000, shortDeadlineMs: 250 };

/** What came of each check, by its name. Closes the plugin. */
export async function play(
  plugin: PluginUnderTest,
  options: Partial<PlayOptions> = {},
): Promise<ReadonlyMap<string, Finding>> {
  const findings = new Map<string, Finding>();
  try {
    for await (const { check, finding } of playChecks(plugin, { ...PATIENCE, ...options })) {
      findings.set(check.name, finding);
    }
  } finally {
    await plugin.close();
  }
  return findings;
}

/** A plugin that is a function of this process: what it answers crosses JSON, and is waited for until the deadline. */
export function functionUnderTest(notify: Notify): PluginUnderTest {
  return { ask: (event) => askFunction(notify, event), checks: [], close: () => Promise.resolve() };
}

async function askFunction(notify: Notify, event: MemoryNotify): Promise<NotifierReply> {
  const leftMs = Date.parse(event.deadline) - Date.now();
  const late = new AbortController();
  try {
    const answer = (async () => JSON.stringify(await notify(structuredClone(event))) as string | undefined)();
    const text = await Promise.race([answer, wait(leftMs, LATE, { signal: late.signal })]);
    if (text === LATE) return { kind: 'error', timedOut: true, message: `timed out after ${String(leftMs)} ms` };
    return parseAnswer(JSON.parse(text ?? 'null'));
  } catch (error) {
    return { kind: 'error', message: `failed: ${(error as Error).message}` };
  } finally {
    late.abort();
  }
}

const LATE = 'late';

/** Names of the checks that failed. */
export function failuresOf(findings: ReadonlyMap<string, Finding>): readonly string[] {
  return [...findings].filter(([, { kind }]) => kind === 'failed').map(([name]) => name);
}

/** Names of the checks that found fault: those that failed, and those that only say so. */
export function faultsIn(findings: ReadonlyMap<string, Finding>): readonly string[] {
  return [...findings].filter(([, { kind }]) => kind === 'failed' || kind === 'noted').map(([name]) => name);
}

/** What a check has seen that found fault. */
export function seenBy(findings: ReadonlyMap<string, Finding>, check: string): string {
  const finding = findings.get(check);
  return finding && 'seen' in finding ? finding.seen : '';
}
