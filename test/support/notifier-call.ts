/** An event and a registered notifier, complete, with what a test cares about on top. */
import { NOTIFIER_API_VERSION, type MemoryNotify, type RegisteredNotifier } from '../../src/contract/notifier.ts';

export function memoryNotify(given: Partial<MemoryNotify> = {}): MemoryNotify {
  return {
    apiVersion: NOTIFIER_API_VERSION,
    uid: 'run-1/memory32/MEM_GOING_OFFLINE/here',
    notifier: 'here',
    action: 'MEM_GOING_OFFLINE',
    cluster: 'c',
    node: 'worker-1',
    blockId: 32,
    startPfn: 2 ** 20,
    nrPages: 2 ** 15,
    physicalAddress: '0x100000000',
    sizeBytes: 2 ** 27,
    workflowId: 'c/memoryblock/worker-1/32',
    runId: 'run-1',
    tokens: {},
    deadline: '2999-01-01T00:00:00Z',
    dryRun: false,
    ...given,
  };
}

export function registeredNotifier(
  plugin: { readonly name: string; readonly config: Readonly<Record<string, unknown>> },
  given: Partial<RegisteredNotifier> = {},
): RegisteredNotifier {
  return {
    name: `${plugin.name}-here`,
    uid: 'uid-1',
    priority: 0,
    registeredAt: '2026-01-01T00:00:00Z',
    actions: [],
    failurePolicy: 'Fail',
    timeoutMs: 10_000,
    transport: { kind: 'plugin', ...plugin },
    ...given,
  };
}
