/** What every line says that a workflow logs, beyond what Temporal adds: node and tokens. docs/logging.md has all fields. */
import type { WorkflowInterceptors } from '@temporalio/workflow';

interface LockHolding {
  readonly node: string;
  readonly locks: { readonly tokens: Readonly<Record<string, number>> };
}

// The sandbox gives each workflow run module state of its own.
let holding: LockHolding | undefined;

/** From now on each line of this run names the node, and the tokens while there are some. */
export function logWith(held: LockHolding): void {
  holding = held;
}

/** Of the SDK: called once for each workflow run. Changes nothing that a workflow does. */
export function interceptors(): WorkflowInterceptors {
  return { outbound: [{ getLogAttributes: (input, next) => next({ ...input, ...fieldsNow() }) }] };
}

function fieldsNow(): Readonly<Record<string, unknown>> {
  if (!holding) return {};
  const { node, locks } = holding;
  return { node, ...(Object.keys(locks.tokens).length > 0 ? { tokens: locks.tokens } : {}) };
}
