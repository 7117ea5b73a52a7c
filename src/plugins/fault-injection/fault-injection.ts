/**
 * fault-injection: makes operations fail on purpose, to see what happens then.
 *
 * Answers the errno that is set for an action, and NOTIFY_OK where none is, like the kernel's
 * lib/memory-notifier-error-inject.c. The kernel offers only the two GOING actions; here any action can be given an
 * errno, which to the other four only ends the walk. Beyond the kernel: delays, answers that never come, an exit, a throw.
 *
 *     plugin: { name: fault-injection, config: { errors: { MEM_GOING_ONLINE: ENOMEM }, delayMs: 200 } }
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ERRNO } from '../../kernel/errno.ts';
import { MEMORY_ACTIONS } from '../../kernel/memory-action.ts';
import { definePlugin, ok, veto } from '../define-plugin.ts';
import { injectedFault, type FaultInjectionConfig } from './injected-fault.ts';

const ACTION = { enum: MEMORY_ACTIONS };
const ACTIONS = { type: 'array', items: ACTION, uniqueItems: true };
/** Longer than any notifier may take (spec.timeoutSeconds is at most 30). */
const DELAY = { type: 'integer', minimum: 0, maximum: 60_000 };

export const plugin = definePlugin<FaultInjectionConfig>({
  name: 'fault-injection',
  description: 'Answers with the errors, delays and crashes that its configuration asks for, action by action.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      errors: { type: 'object', propertyNames: ACTION, additionalProperties: { enum: Object.keys(ERRNO) } },
      delayMs: { anyOf: [DELAY, { type: 'object', propertyNames: ACTION, additionalProperties: DELAY }] },
      hang: ACTIONS,
      exit: ACTIONS,
      throw: ACTIONS,
    },
  },
  async notify(event, config, { log }) {
    const { delayMs, fault } = injectedFault(config, event.action);
    if (fault.kind !== 'none') log.info('injecting a fault', { node: event.node, blockId: event.blockId, ...fault });
    if (delayMs > 0) await wait(delayMs);
    switch (fault.kind) {
      case 'none':
        return ok();
      case 'errno':
        return veto(fault.errno, `injected ${fault.errno} at ${event.action}`);
      case 'hang':
        return new Promise(() => undefined);
      case 'throw':
        throw new Error(`injected at ${event.action}`);
      case 'exit':
        return process.exit(1);
    }
  },
});
