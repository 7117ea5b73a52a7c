/** Where a simulated node's state lives: `state.json`, replaced atomically, and the audit file `effects.jsonl`. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { STATE_VERSION, type Effect, type SimulatedState } from './state.ts';

/**
 * The durable side of the model. Calls are synchronous on purpose: a step is then one turn of the event loop, so no
 * second step can see, or build on, a state that is not on disk.
 */
export interface StateStore {
  load(): SimulatedState | undefined;
  /** Durable, state and journal together, when it returns. */
  save(state: SimulatedState): void;
  /** Appends those of `effects` that the audit file does not have yet. */
  appendEffects(effects: readonly Effect[]): void;
}

/** Keeps the state in `directory`, which is created. One process at a time may use it. */
export function openStateStore(directory: string): StateStore {
  mkdirSync(directory, { recursive: true });
  const stateFile = join(directory, 'state.json');
  const effectsFile = join(directory, 'effects.jsonl');
  let lastWritten = repairEffects(effectsFile);
  return {
    load: () => (existsSync(stateFile) ? parseState(stateFile) : undefined),
    save: (state) => {
      writeFileAtomic.sync(stateFile, JSON.stringify(state), { fsync: true });
    },
    appendEffects: (effects) => {
      const missing = effects.filter(({ sequence }) => sequence > lastWritten);
      if (missing.length === 0) return;
      appendFileSync(effectsFile, missing.map((effect) => `${JSON.stringify(effect)}\n`).join(''), { flush: true });
      lastWritten = missing.at(-1)?.sequence ?? lastWritten;
    },
  };
}

function parseState(file: string): SimulatedState {
  const state = JSON.parse(readFileSync(file, 'utf8')) as SimulatedState;
  if ((state.version as number) !== STATE_VERSION) {
    throw new Error(
      `${file} has version ${String(state.version)}, this agent writes ${String(STATE_VERSION)}: start with an empty state directory`,
    );
  }
  return state;
}

/** Cuts off a line that a crash left half written; returns the sequence number of the last whole one. */
function repairEffects(file: string): number {
  if (!existsSync(file)) return 0;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(file, end);
  const lastLine = bytes.subarray(0, end).toString('utf8').trimEnd().split('\n').at(-1);
  return lastLine ? (JSON.parse(lastLine) as Effect).sequence : 0;
}
