/**
 * What a plugin of a test answers, on whichever transport: its calls are a file of one event per line, so that a test sees
 * who was told what in which order; its answers are by action, and NOTIFY_OK where none is set.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MemoryNotify, NotifierAnswer } from '../../src/contract/notifier.ts';
import type { MemoryAction } from '../../src/kernel/memory-action.ts';

/** `hold`: the call is noted and never answered. */
export type PluginScript = Readonly<Partial<Record<MemoryAction, NotifierAnswer | 'hold'>>>;

export function playScript(script: PluginScript, event: MemoryNotify, callsFile: string): Promise<NotifierAnswer> {
  appendFileSync(callsFile, `${JSON.stringify(event)}\n`);
  const answer = script[event.action] ?? { result: 'NOTIFY_OK' };
  return answer === 'hold' ? new Promise(() => undefined) : Promise.resolve(answer);
}

/** The calls so far, in the order in which they were made. */
export function readCalls(callsFile: string): readonly MemoryNotify[] {
  if (!existsSync(callsFile)) return [];
  const lines = readFileSync(callsFile, 'utf8').trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MemoryNotify);
}

/** For a plugin that is a process: what it answers from its next call on. */
export function writeScript(directory: string, script: PluginScript): void {
  writeFileSync(path.join(directory, 'script.json'), JSON.stringify(script));
}

export function readScript(directory: string): PluginScript {
  return JSON.parse(readFileSync(path.join(directory, 'script.json'), 'utf8')) as PluginScript;
}
