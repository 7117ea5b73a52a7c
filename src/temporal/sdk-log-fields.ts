/** What Temporal's SDK says beside its messages, in the words of docs/logging.md. */
import { memoryBlockName, subjectOfWorkflow } from '../contract/names.ts';

/** Rust's names, of the native core, for what TypeScript calls otherwise. */
const RENAMED: Readonly<Record<string, string>> = {
  sdkComponent: 'component',
  run_id: 'runId',
  workflow_id: 'workflowId',
  workflow_type: 'workflowType',
  activity_id: 'activityId',
  activity_type: 'activityType',
  task_queue: 'taskQueue',
  // winston puts a field of this name behind the message.
  message: 'detail',
};
/** Of no use to anybody who reads a log: the same on every line, or a key into the server's memory. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'namespace',
  'taskToken',
  'task_token',
  'spanContexts',
  'span_contexts',
]);

/** A line about an operation names its block and node, whoever wrote it: the workflow id says which. */
export function sdkLogFields(meta: object = {}): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(meta) as [string, unknown][]) {
    if (!LEFT_OUT.has(key)) fields[RENAMED[key] ?? key] = value;
  }
  const { workflowId } = fields;
  const about = typeof workflowId === 'string' ? subjectOfWorkflow(workflowId) : undefined;
  if (!about) return fields;
  const { node, blockId } = about;
  return { node, ...(blockId === undefined ? {} : { block: memoryBlockName(node, blockId) }), ...fields };
}
