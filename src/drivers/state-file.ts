/** Where a driver's state lives: one JSON file, replaced atomically. One process at a time may use it. */
import { existsSync, readFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';

/**
 * Calls are synchronous on purpose: a step is then one turn of the event loop, so no second step can see, or build on, a
 * state that is not on disk.
 */
export interface StateFile<State> {
  /** Undefined before the first save. Throws an Error that says what to do where another version wrote the file. */
  load(): State | undefined;
  /** Durable when it returns. */
  save(state: State): void;
}

export function openStateFile<State extends { readonly version: number }>(
  file: string,
  version: State['version'],
): StateFile<State> {
  return {
    load: () => (existsSync(file) ? (parseState(file, version) as State) : undefined),
    save: (state) => {
      writeFileAtomic.sync(file, JSON.stringify(state), { fsync: true });
    },
  };
}

function parseState(file: string, version: number): unknown {
  const state = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: number };
  if (state.version === version) return state;
  throw new Error(
    `${file} has version ${String(state.version)}, this agent writes ${String(version)}: start with an empty state directory`,
  );
}
