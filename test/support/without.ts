/** A copy of `object` that lacks `key`: with exactOptionalPropertyTypes, undefined is not the same as missing. */
export function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const copy = { ...object };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the key is the caller's, and the object is ours
  delete copy[key];
  return copy;
}
