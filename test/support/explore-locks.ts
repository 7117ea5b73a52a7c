/** Visits every state that a small world of locks can get into, breadth first. */
import { LockWorlds, type Move } from './lock-moves.ts';
import { BrokenPromise, checkEnd, checkWorld } from './lock-promises.ts';
import { keyOf, REDUCER, type Faults, type Reducer, type Step, type World } from './lock-world.ts';

export interface Exploration {
  readonly states: number;
  readonly moves: number;
  /** States in which nothing but a fault can happen. */
  readonly ends: number;
}

/** How a state came about, last move first. */
interface Way {
  readonly move: string;
  readonly before: Way | undefined;
}

/** Throws a BrokenPromise with the shortest way to it. */
export function exploreLocks(
  scripts: readonly (readonly Step[])[],
  faults: Faults,
  reducer: Reducer = REDUCER,
): Exploration {
  const worlds = new LockWorlds(scripts, reducer);
  const first = worlds.begin(faults);
  const seen = new Set([keyOf(first)]);
  let moves = 0;
  let ends = 0;
  let front: readonly { world: World; way: Way | undefined }[] = [{ world: first, way: undefined }];
  while (front.length > 0) {
    const next: { world: World; way: Way }[] = [];
    for (const { world, way } of front) {
      const possible = worlds.moves(world);
      if (possible.every(({ isFault }) => isFault)) {
        ends += 1;
        tell(way, () => checkEnd(world));
      }
      for (const move of possible) {
        moves += 1;
        const longer: Way = { move: move.name, before: way };
        const reached = tell(longer, () => checkedWorld(move));
        const key = keyOf(reached);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ world: reached, way: longer });
      }
    }
    front = next;
  }
  return { states: seen.size, moves, ends };
}

function checkedWorld(move: Move): World {
  const world = move.to();
  checkWorld(world);
  return world;
}

/** Adds to a broken promise how it came about. */
function tell<T>(way: Way | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    const moves: string[] = [];
    for (let at = way; at; at = at.before) moves.unshift(at.move);
    throw new BrokenPromise(`${error.message}, after: ${moves.join('; ')}`);
  }
}
