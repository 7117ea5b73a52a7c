/** A copy of `object` without some of its fields. */
export function leaveOut<T extends object, K extends keyof T>(object: T, ...fields: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !fields.includes(name as K))) as Omit<T, K>;
}
