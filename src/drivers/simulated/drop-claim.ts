/** The last step of an add or a remove: its range is free again. */
import type { DriverCall } from '../../contract/driver.ts';
import { withoutClaim } from '../claims.ts';
import { done, type SimulatedState, type StepChange } from './state.ts';

export function dropClaim(state: SimulatedState, call: DriverCall): StepChange {
  return done(withoutClaim(state, call));
}
