/** All that can happen next in a world of locks. */
import type { LockTable } from '../../src/kernel/lock-queue.ts';
import type { LockEffect, LockEvent } from '../../src/kernel/lock-request.ts';
import type { HeldLock } from '../../src/kernel/lock.ts';
import { EMPTY_LOCK_TABLE } from '../../src/kernel/lock-table.ts';
import { EMPTY_LOCKDEP } from '../../src/kernel/lockdep.ts';
import { checkGrants } from './lock-promises.ts';
import type { Answer, Faults, Message, Reducer, Run, Step, World } from './lock-world.ts';

export interface Move {
  readonly name: string;
  readonly isFault: boolean;
  readonly to: () => World;
}

export class LockWorlds {
  readonly #scripts: readonly (readonly Step[])[];
  readonly #reducer: Reducer;

  constructor(scripts: readonly (readonly Step[])[], reducer: Reducer) {
    this.#scripts = scripts;
    this.#reducer = reducer;
  }

  begin(faults: Faults): World {
    const { table } = this.#reducer.apply(EMPTY_LOCK_TABLE, { kind: 'open', epoch: 1, nowMs: 0 });
    const runs = this.#scripts.map((): Run => ({ step: 0, status: 'running', taken: {} }));
    const empty = { table, history: this.#reducer.rebuild(table, []), era: 1, runs, messages: [], answers: [] };
    return runs.reduce<World>((world, _run, index) => this.#proceed(world, index), {
      ...empty,
      faults,
      highestToken: 0,
    });
  }

  moves(world: World): readonly Move[] {
    return [
      ...world.messages.flatMap((message, index) => this.#deliveries(world, message, index)),
      ...world.answers.flatMap((answer, index) => this.#answerMoves(world, answer, index)),
      ...world.runs.flatMap((run, index) => this.#runMoves(world, run, index)),
      ...this.#entityMoves(world),
    ];
  }

  #deliveries(world: World, message: Message, index: number): readonly Move[] {
    const without = { ...world, messages: world.messages.toSpliced(index, 1) };
    const what = `message of ${String(message.from)}: ${message.events.map(describe).join(', ')}`;
    const moves: Move[] = [
      { name: `deliver ${what}`, isFault: false, to: () => this.#receive(without, message.events) },
    ];
    if (world.faults.doubled > 0) {
      const doubled = { ...world, faults: { ...world.faults, doubled: world.faults.doubled - 1 } };
      moves.push({
        name: `deliver, and again later, ${what}`,
        isFault: true,
        to: () => this.#receive(doubled, message.events),
      });
    }
    if (world.runs[message.from]?.status === 'terminated')
      moves.push({ name: `lose ${what}`, isFault: true, to: () => without });
    return moves;
  }

  #answerMoves(world: World, answer: Answer, index: number): readonly Move[] {
    const without = { ...world, answers: world.answers.toSpliced(index, 1) };
    const what = `${answer.grants ? 'grant' : 'denial'} of ${answer.id}`;
    const moves: Move[] = [{ name: `deliver ${what}`, isFault: false, to: () => this.#answered(without, answer) }];
    // The server drops what a workflow wanted to send when that workflow is closed first.
    if (answer.era < world.era) moves.push({ name: `lose ${what}`, isFault: true, to: () => without });
    return moves;
  }

  #runMoves(world: World, run: Run, index: number): readonly Move[] {
    const name = String(index);
    const { faults } = world;
    const moves: Move[] = [];
    if (run.status === 'terminated') return this.#reclaims(world, index);
    if (run.status === 'ended') return [];
    if (run.waitsFor === undefined) {
      moves.push({ name: `run ${name} goes on`, isFault: false, to: () => this.#goOn(world, index) });
    } else if (faults.cancelled > 0) {
      const fewer = { ...world, faults: { ...faults, cancelled: faults.cancelled - 1 } };
      moves.push({ name: `run ${name} is cancelled`, isFault: true, to: () => this.#end(fewer, index) });
    }
    if (faults.terminated > 0) {
      const fewer = { ...world, faults: { ...faults, terminated: faults.terminated - 1 } };
      const to = (): World => withRun(fewer, index, { ...run, status: 'terminated' });
      moves.push({ name: `run ${name} is terminated`, isFault: true, to });
    }
    return moves;
  }

  /** The entity finds out that a run is closed, and has settled what it was granted. */
  #reclaims(world: World, index: number): readonly Move[] {
    const runId = String(index);
    const own = world.table.requests.filter(({ holder }) => holder.runId === runId);
    if (own.length === 0) return [];
    if (own.some((request) => !request.isClosed)) {
      return [
        {
          name: `run ${runId} is known to be closed`,
          isFault: false,
          to: () => this.#apply(world, { kind: 'closed', runId, nowMs: 0 }),
        },
      ];
    }
    const run = world.runs[index];
    const settled = run ? withRun(world, index, { ...run, taken: {} }) : world;
    return [
      {
        name: `run ${runId} is settled`,
        isFault: false,
        to: () => this.#apply(settled, { kind: 'settled', runId, nowMs: 0 }),
      },
    ];
  }

  #entityMoves(world: World): readonly Move[] {
    const moves: Move[] = [];
    if (world.table.requests.some(({ deadlineMs, pending }) => deadlineMs !== undefined && pending.length > 0)) {
      moves.push({ name: 'time passes', isFault: false, to: () => this.#apply(world, { kind: 'expire', nowMs: 1 }) });
    }
    if (world.faults.lost > 0)
      moves.push({ name: 'the entity is lost', isFault: true, to: () => this.#succeed(world) });
    return moves;
  }

  /** Another entity takes over what the history tells, in the next epoch. */
  #succeed(world: World): World {
    const era = world.era + 1;
    const faults = { ...world.faults, lost: world.faults.lost - 1 };
    const table = this.#reducer.rebuild(world.history, []);
    return this.#apply({ ...world, era, faults, table, history: table }, { kind: 'open', epoch: era, nowMs: 0 });
  }

  #receive(world: World, events: readonly LockEvent[]): World {
    return events.reduce((now, event) => {
      const history = stripped(this.#reducer.rebuild(now.history, [event]));
      return this.#apply({ ...now, history }, event);
    }, world);
  }

  /** What the entity finds out by itself is deliberately kept out of the history: its answers must be enough. */
  #apply(world: World, event: LockEvent): World {
    const { table, effects } = this.#reducer.apply(world.table, event);
    const now = { ...world, table: stripped(table) };
    checkGrants(world, now, event);
    const tokens = table.requests.flatMap(({ held }) => held.map(({ token }) => token));
    return effects.reduce((next, effect) => this.#answer(next, effect), {
      ...now,
      highestToken: Math.max(world.highestToken, ...tokens),
    });
  }

  #answer(world: World, effect: LockEffect): World {
    if (effect.kind !== 'grant' && effect.kind !== 'deny') return world;
    const { id, holder } = effect;
    const to = Number(holder.runId);
    const grants = effect.kind === 'grant' ? effect.grants : undefined;
    const isRenewal = effect.kind === 'grant' && effect.isRenewal;
    const answer: Answer = { to, id, era: world.era, isRenewal, ...(grants ? { grants } : {}) };
    // A grant is a fact once it is recorded: its holder is told again. A denial is one when it is known to have arrived.
    const facts: LockEvent[] = grants ? [{ kind: 'adopt', id, grants, nowMs: 0 }] : [];
    if (!grants && this.#reducer.trustsSentDenials) facts.push({ kind: 'release', id, nowMs: 0 });
    const history = this.#reducer.rebuild(world.history, facts);
    return { ...world, history: stripped(history), answers: [...world.answers, answer] };
  }

  #answered(world: World, answer: Answer): World {
    const { to, id, grants, era } = answer;
    const run = world.runs[to];
    if (!run) return world;
    if (run.status !== 'running') {
      if (!grants || era < world.era) return grants ? world : this.#denialArrived(world, answer);
      const event: LockEvent = answer.isRenewal
        ? { kind: 'closed', runId: String(to), nowMs: 0 }
        : { kind: 'undeliverable', id, nowMs: 0 };
      // An ended run has given back everything, and its messages arrive: it needs no reclaiming.
      return run.status === 'ended' && answer.isRenewal ? world : this.#apply(world, event);
    }
    if (!grants) {
      const told = this.#denialArrived(world, answer);
      return run.waitsFor === id ? this.#end(told, to) : told;
    }
    if (run.waitsFor === id) {
      const { step, status } = run;
      return withRun(world, to, { step, status, taken: { ...run.taken, [id]: grants } });
    }
    return this.#renewed(world, to, run, answer, grants);
  }

  #denialArrived(world: World, { id, era }: Answer): World {
    // What arrives when its sender is gone is not recorded any more.
    if (era < world.era) return world;
    return { ...world, history: stripped(this.#reducer.rebuild(world.history, [{ kind: 'release', id, nowMs: 0 }])) };
  }

  /** Newer tokens of what it holds; what it does not hold it gives back once more. */
  #renewed(world: World, to: number, run: Run, { id }: Answer, grants: readonly HeldLock[]): World {
    const held = run.taken[id];
    const surplus = grants.filter(({ name }) => !held?.some((lock) => lock.name === name)).map(({ name }) => name);
    const renewed = held?.map(
      (lock) => grants.find(({ name, token }) => name === lock.name && token > lock.token) ?? lock,
    );
    const now = renewed ? withRun(world, to, { ...run, taken: { ...run.taken, [id]: renewed } }) : world;
    if (surplus.length === 0) return now;
    return sent(now, to, [{ kind: 'release', id, nowMs: 0, ...(held ? { names: surplus } : {}) }]);
  }

  #goOn(world: World, index: number): World {
    const run = world.runs[index];
    const step = run && this.#scripts[index]?.[run.step];
    if (!run || !step) return this.#end(world, index);
    if ('take' in step) return this.#proceed(world, index);
    const id = `${String(index)}/${String(step.of)}`;
    const { [id]: held = [], ...others } = run.taken;
    const kept = held.filter(({ name }) => !step.give.includes(name));
    const taken = kept.length > 0 ? { ...others, [id]: kept } : others;
    const given = withRun(world, index, { ...run, step: run.step + 1, taken });
    return sent(given, index, [{ kind: 'release', id, names: step.give, nowMs: 0 }]);
  }

  /** Sends the request of the run's next step. */
  #proceed(world: World, index: number): World {
    const run = world.runs[index];
    const step = run && this.#scripts[index]?.[run.step];
    if (!run || !step || !('take' in step)) return world;
    const { take, isTimed, ...how } = step;
    const runId = String(index);
    const id = `${runId}/${String(run.step)}`;
    const waiting = withRun(world, index, { ...run, step: run.step + 1, waitsFor: id });
    const holder = { workflowId: runId, runId };
    const deadline = isTimed ? { deadlineMs: 1 } : {};
    return sent(waiting, index, [
      { kind: 'request', id, holder, purpose: runId, locks: take, nowMs: 0, ...deadline, ...how },
    ]);
  }

  /** Gives back what it holds and waits for, and ends. */
  #end(world: World, index: number): World {
    const run = world.runs[index];
    if (!run) return world;
    const ids = [...Object.keys(run.taken), ...(run.waitsFor === undefined ? [] : [run.waitsFor])];
    const ended = withRun(world, index, { step: run.step, status: 'ended', taken: {} });
    const releases = ids.map((id): LockEvent => ({ kind: 'release', id, nowMs: 0 }));
    return releases.length > 0 ? sent(ended, index, releases) : ended;
  }
}

function withRun(world: World, index: number, run: Run): World {
  return { ...world, runs: world.runs.with(index, run) };
}

function sent(world: World, from: number, events: readonly LockEvent[]): World {
  return { ...world, messages: [...world.messages, { from, events }] };
}

/** Orders of locks decide nothing. */
function stripped(table: LockTable): LockTable {
  return { ...table, lockdep: EMPTY_LOCKDEP };
}

function describe(event: LockEvent): string {
  return 'id' in event ? `${event.kind} ${event.id}` : event.kind;
}
