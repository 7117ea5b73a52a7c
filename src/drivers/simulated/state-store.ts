/** Where a simulated node's state lives: `state.json`, replaced atomically, and the audit file `effects.jsonl`. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { openStateFile, type StateFile } from '../state-file.ts';
import { STATE_VERSION, type Effect, type SimulatedState } from './state.ts';

/** The durable side of the model. */
export interface StateStore extends StateFile<SimulatedState> {
  /** Appends those of `effects` that the audit file does not have yet. */
  appendEffects(effects: readonly Effect[]): void;
}

/** Keeps the state in `directory`, which is created. One process at a time may use it. */
export function openStateStore(directory: string): StateStore {
  mkdirSync(directory, { recursive: true });
  const effectsFile = join(directory, 'effects.jsonl');
  let lastWritten = repairEffects(effectsFile);
  return {
    ...openStateFile<SimulatedState>(join(directory, 'state.json'), STATE_VERSION),
    appendEffects: (effects) => {
      const missing = effects.filter(({ sequence }) => sequence > lastWritten);
      if (missing.length === 0) return;
      appendFileSync(effectsFile, missing.map((effect) => `${JSON.stringify(effect)}\n`).join(''), { flush: true });
      lastWritten = missing.at(-1)?.sequence ?? lastWritten;
    },
  };
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
