/**
 * Whether objects and lists stand in each other at more than `depthMax` levels of `value`, which is plain data; `{}` has
 * one. Counts level by level: what is nested deeper than the stack can be read as JSON, but a function that calls itself,
 * as JSON.stringify does, throws.
 */
export function isNestedDeeper(value: unknown, depthMax: number): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; depth < depthMax; depth++) {
    level = level.flatMap((one): unknown[] => Object.values(one)).filter(isContainer);
  }
  return level.length > 0;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
