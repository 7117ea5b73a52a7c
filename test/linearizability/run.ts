/**
 * Histories of the lock service under load and faults, checked for linearizability:
 *
 *   npm run test:linearizability                                    until each fault has hit 20 times while a lock was held
 *   npm run test:linearizability -- --seconds 60 --faults 2         a sample
 *   npm run test:linearizability -- --seed 7                        the choices of that run again
 */
import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { describeRun, shortcomingsOf } from './report.ts';
import { runLinearizability } from './run-linearizability.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1800' },
    faults: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kinds: { type: 'string', default: FAULT_KINDS.join(',') },
  },
});
const kinds = values.kinds.split(',').filter((kind): kind is FaultKind => FAULT_KINDS.some((known) => known === kind));
const wanted = Number(values.faults);
console.log(`seed ${values.seed}: ${kinds.join(', ')}, ${values.faults} times each`);
const result = await runLinearizability({
  seconds: Number(values.seconds),
  secondsLeast: Math.min(60, Number(values.seconds)),
  kinds,
  faults: wanted,
  seed: Number(values.seed),
  name: 'run',
  log: console.log,
});
console.log(describeRun(result));
const shortcomings = shortcomingsOf(result, wanted);
for (const shortcoming of shortcomings) console.error(`failed: ${shortcoming}`);
process.exit(shortcomings.length === 0 ? 0 : 1);
