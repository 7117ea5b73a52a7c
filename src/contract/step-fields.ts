/** What a line of the log says about a driver step, whoever writes it: docs/logging.md. */
import type { DriverCall, DriverResult } from './driver.ts';
import { memoryBlockName, subjectOfWorkflow } from './names.ts';

export function stepFields(call: DriverCall, result: DriverResult): Record<string, unknown> {
  // A step about a whole range belongs to the operation of a block all the same.
  const { owner, node, blockId = subjectOfWorkflow(owner.workflowId)?.blockId, cpu, tokens, operation, step } = call;
  return {
    ...owner,
    node,
    ...(blockId === undefined ? {} : { block: memoryBlockName(node, blockId) }),
    ...(cpu === undefined ? {} : { cpu }),
    tokens,
    operation,
    step,
    ...resultFields(result),
  };
}

function resultFields(result: DriverResult): object {
  if (!result.ok) return { errno: result.errno, detail: result.message };
  const { zone, noop, committed } = result;
  return { ...(zone ? { zone } : {}), ...(noop ? { noop } : {}), ...(committed ? { committed } : {}) };
}
