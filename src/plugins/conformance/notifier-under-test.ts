import type { NotifierTransport, RegisteredNotifier } from '../../contract/notifier.ts';

/** A MemoryNotifier as it would be registered, for nobody but this test. */
export function notifierUnderTest(transport: NotifierTransport, timeoutMs: number): RegisteredNotifier {
  return {
    name: 'plugin-test',
    uid: 'plugin-test',
    priority: 0,
    registeredAt: '1970-01-01T00:00:00Z',
    actions: [],
    failurePolicy: 'Fail',
    timeoutMs,
    transport,
  };
}
