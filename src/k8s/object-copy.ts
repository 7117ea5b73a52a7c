/** A copy of all objects of one kind, and who is told of its changes. */
import type { ObjectMeta } from '../contract/resources.ts';
import type { WatchPhase } from './watch-once.ts';

/** What every object of any kind has. */
export interface KubernetesThing {
  readonly metadata: ObjectMeta & { readonly namespace?: string };
}

export type ChangeKind = 'add' | 'update' | 'delete';

export class ObjectCopy<T extends KubernetesThing> {
  readonly #objects = new Map<string, T>();
  readonly #tell: (object: T, change: ChangeKind) => void;

  constructor(tell: (object: T, change: ChangeKind) => void) {
    this.#tell = tell;
  }

  /** `name`, or `namespace/name` of a namespaced kind. */
  get(name: string): T | undefined {
    return this.#objects.get(name);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** These are all that there are: others are told as deleted, and each of these is told, changed or not. */
  replace(items: readonly T[]): void {
    const names = new Set(items.map(keyOf));
    for (const [name, object] of [...this.#objects]) {
      if (names.has(name)) continue;
      this.#objects.delete(name);
      this.#tell(object, 'delete');
    }
    for (const object of items) this.#put(object);
  }

  apply(phase: WatchPhase, object: T): void {
    if (phase !== 'DELETED') this.#put(object);
    else if (this.#objects.delete(keyOf(object))) this.#tell(object, 'delete');
  }

  #put(object: T): void {
    const change = this.#objects.has(keyOf(object)) ? 'update' : 'add';
    this.#objects.set(keyOf(object), object);
    this.#tell(object, change);
  }
}

function keyOf({ metadata }: KubernetesThing): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
