/** A history in a file, as `temporal workflow show --output json` and the web UI export it. */
import { readFile } from 'node:fs/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import type { FoundHistory } from './find-histories.ts';

/** Throws an Error that names the file where it holds no history. */
export async function readExportedHistory(file: string): Promise<FoundHistory> {
  let history: FoundHistory['history'];
  try {
    history = historyFromJSON(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = 'Export one with: temporal workflow show --workflow-id ID --output json';
    throw new Error(`${file} holds no workflow history (${why}). ${remedy}`, { cause: error });
  }
  const [first] = history.events ?? [];
  const started = first?.workflowExecutionStartedEventAttributes;
  const type = started?.workflowType?.name;
  if (!started || !type)
    throw new Error(`${file} holds no workflow history: its first event does not start a workflow`);
  const isOpen = !/Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew/.test(closingEvent(history));
  return { workflowId: started.workflowId ?? file, runId: started.originalExecutionRunId ?? '', type, isOpen, history };
}

function closingEvent({ events = [] }: FoundHistory['history']): string {
  const last = events?.at(-1);
  return Object.keys(last ?? {}).find((key) => key.startsWith('workflowExecution')) ?? '';
}
