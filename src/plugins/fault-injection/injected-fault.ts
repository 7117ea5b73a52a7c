import type { Errno } from '../../kernel/errno.ts';
import type { MemoryAction } from '../../kernel/memory-action.ts';

type PerAction<Value> = Readonly<Partial<Record<MemoryAction, Value>>>;

export interface FaultInjectionConfig {
  /** The errno to answer to an action (`notifier_from_errno`). */
  readonly errors?: PerAction<Errno>;
  /** How long every answer, or the answer to an action, takes. */
  readonly delayMs?: number | PerAction<number>;
  /** Actions that never get an answer: the call runs into its timeout. */
  readonly hang?: readonly MemoryAction[];
  /** Actions at which the plugin's thread exits. */
  readonly exit?: readonly MemoryAction[];
  /** Actions at which the plugin throws. */
  readonly throw?: readonly MemoryAction[];
}

export type InjectedFault =
  | { readonly kind: 'hang' | 'exit' | 'throw' }
  | { readonly kind: 'errno'; readonly errno: Errno }
  | { readonly kind: 'none' };

/** What to do about `action`, after waiting `delayMs`. Of several faults of one action the most disruptive wins. */
export function injectedFault(
  config: FaultInjectionConfig,
  action: MemoryAction,
): { delayMs: number; fault: InjectedFault } {
  const delayMs = typeof config.delayMs === 'number' ? config.delayMs : (config.delayMs?.[action] ?? 0);
  const broken = (['exit', 'hang', 'throw'] as const).find((kind) => config[kind]?.includes(action));
  if (broken) return { delayMs, fault: { kind: broken } };
  const errno = config.errors?.[action];
  return { delayMs, fault: errno ? { kind: 'errno', errno } : { kind: 'none' } };
}
