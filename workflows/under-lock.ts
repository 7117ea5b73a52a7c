/** Options of the operator's activities that run under device_hotplug_lock. */

/** An API server that cannot be reached must not hold the lock for long. */
export const UNDER_LOCK = {
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
} as const;

/** Of those that heartbeat: an operator that dies over one is noticed soon. */
export const HEARD_UNDER_LOCK = { ...UNDER_LOCK, heartbeatTimeout: '3 seconds' } as const;
