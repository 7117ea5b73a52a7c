/** Which operation brings a block nearer to what is asked for: the heart of the controller, without any circumstances. */
import type { Reason } from '../contract/conditions.ts';
import type { DriverCapabilities, MemoryBlock } from '../contract/resources.ts';
import type { MemoryBlockState, OnlineType, OperationType, RequestedState } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';

/** What a MemoryBlock asks for: a state, that the block be gone, or nothing at all (observe only, hands off). */
export type Goal = RequestedState | 'absent' | undefined;

/** An object that is being deleted asks for nothing, unless its deletionPolicy is Remove. */
export function goalOf({ metadata, spec }: Pick<MemoryBlock, 'metadata' | 'spec'>): Goal {
  if (metadata.deletionTimestamp === undefined) return spec.state;
  return spec.deletionPolicy === 'Remove' ? 'absent' : undefined;
}

const STEPS_TOWARDS: Readonly<Record<RequestedState | 'absent', readonly OperationType[]>> = {
  online: ['add', 'online'],
  online_kernel: ['add', 'online'],
  online_movable: ['add', 'online'],
  offline: ['add', 'offline'],
  absent: ['offline', 'remove'],
};

/** Whether an operation that was once started is still a step towards `goal`. */
export function isStepTowards(operation: OperationType, goal: Goal): boolean {
  return goal !== undefined && STEPS_TOWARDS[goal].includes(operation);
}

/** What the agent saw. */
export interface Observed {
  readonly state: MemoryBlockState;
  readonly zone?: Zone;
}

export type Wanted =
  | { readonly kind: 'operation'; readonly type: OperationType; readonly why: string }
  | { readonly kind: 'nothing'; readonly why: string }
  /** Only somebody else, or time, can help. */
  | { readonly kind: 'blocked'; readonly reason: Reason; readonly message: string }
  /** The block is as near to absent as its node's driver can bring it. */
  | { readonly kind: 'not-removable'; readonly message: string };

/** The next operation for a block in `observed` state. A block that is online in the wrong zone is never offlined for it. */
export function wantedOperation(goal: Goal, observed: Observed, can: DriverCapabilities): Wanted {
  if (goal === undefined) return nothing('observed only');
  if (observed.state === 'going-offline') return settleLeftover(goal, can);
  if (goal === 'absent') return towardsAbsent(observed.state, can);
  if (observed.state === 'absent') {
    if (can.add) return operation('add', `${goal} is wanted and there is no such block`);
    return blocked(
      'AddNotSupported',
      "the block is not there and the node's driver cannot add it; have the hypervisor or the platform plug the memory in, or delete this object",
    );
  }
  return goal === 'offline' ? towardsOffline(observed.state, can) : towardsOnline(goal, observed, can);
}

/**
 * A block that is going offline while no operation of ours runs was left so by one that was terminated. Whichever operation
 * comes next takes the locks with higher tokens, which is how the driver knows that the old one is over, and settles it.
 */
function settleLeftover(goal: RequestedState | 'absent', can: DriverCapabilities): Wanted {
  const type = goal === 'offline' || goal === 'absent' ? 'offline' : 'online';
  if (can[type]) return operation(type, `an offline was left unfinished and ${goal} is wanted`);
  return blocked('Infeasible', `an offline was left unfinished, and the node's driver can do no ${type}`);
}

function towardsAbsent(state: 'absent' | 'offline' | 'online', can: DriverCapabilities): Wanted {
  if (state === 'absent') return nothing('the block is gone');
  if (state === 'online') return towardsOffline(state, can);
  if (can.remove) return operation('remove', 'the object is being deleted with deletionPolicy Remove');
  return { kind: 'not-removable', message: "the node's driver cannot remove memory; the block was left offline" };
}

function towardsOffline(state: 'offline' | 'online', can: DriverCapabilities): Wanted {
  if (state === 'offline') return nothing('the block is offline');
  if (can.offline) return operation('offline', 'the block is online');
  return blocked('Infeasible', "the node's driver cannot take memory offline; change spec.state, or the driver");
}

function towardsOnline(goal: OnlineType, { state, zone }: Observed, can: DriverCapabilities): Wanted {
  if (state === 'offline') {
    if (can.online) return operation('online', `${goal} is wanted and the block is offline`);
    return blocked('Infeasible', "the node's driver cannot bring memory online; change spec.state, or the driver");
  }
  if (goal === 'online') return nothing('the block is online');
  if (zone === undefined) return blocked('Pending', "the block is online; the node's agent has not told its zone yet");
  if (isInZone(goal, zone)) return nothing(`the block is online in zone ${zone}`);
  const todo =
    'It is never taken offline for that: set spec.state to offline first, then back, or accept it with state online';
  return blocked('ZoneMismatch', `${goal} is wanted, but the block is online in zone ${zone}. ${todo}`);
}

/** Zone `none` (the block spans several) satisfies neither. */
function isInZone(goal: 'online_kernel' | 'online_movable', zone: Zone): boolean {
  return goal === 'online_movable' ? zone === 'Movable' : zone !== 'Movable' && zone !== 'none';
}

function operation(type: OperationType, why: string): Wanted {
  return { kind: 'operation', type, why };
}

function nothing(why: string): Wanted {
  return { kind: 'nothing', why };
}

function blocked(reason: Reason, message: string): Wanted {
  return { kind: 'blocked', reason, message };
}
