/**
 * The requester's side of the locks of one node, for one workflow run. The order in which locks are asked for is the
 * caller's: it is the kernel's order that each operation spells out.
 */
import { CancellationScope, condition, log, proxyLocalActivities, uuid4, workflowInfo } from '@temporalio/workflow';
import type { LockActivities, LockMessageInput } from '../src/contract/activities.ts';
import { REQUEST_GRACE_MS } from '../src/contract/locks.ts';
import type { LockDenied, LockGranted, LockMessage, LockRelease, LockRequest } from '../src/contract/locks.ts';
import type { HeldLock, LockName, WantedLock } from '../src/kernel/lock.ts';
import { expectAnswers, listenForAnswers, type AnswerListener, type LockAnswer } from './lock-answers.ts';

const { takeLocks, releaseLocks, reportHolder } = proxyLocalActivities<LockActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});

/** A granted request: the handle that `release` takes. */
export interface Taken {
  readonly kind: 'taken';
  readonly id: string;
  /** As granted; `LockClient.tokens` has the tokens of today. */
  readonly locks: readonly HeldLock[];
}

/** Why there is no grant; everything that the request held has been given back. */
export interface Refused extends Omit<LockDenied, 'id'> {
  readonly kind: 'refused';
}

export interface LockClientOptions {
  readonly cluster: string;
  readonly node: string;
  readonly purpose: string;
  /** How long a request may wait, then ETIMEDOUT. Unset: for ever. */
  readonly timeoutMs?: number;
  /** Looked at while waiting for the first locks: a cancelled operation that holds nothing withdraws its request. */
  readonly isCancelled: () => boolean;
  /** Workflow id of the operation whose plugin makes the requests; its locks are then refused (EDEADLK), not waited for. */
  readonly causedBy?: string;
}

export interface TakeOptions {
  /** Given back before the locks are asked for, in the same message: somebody else may have them meanwhile. */
  readonly release?: readonly { readonly taken: Taken; readonly names?: readonly LockName[] }[];
  /** EBUSY at once where the request would have to wait. */
  readonly tryLock?: boolean;
}

export class LockClient implements AnswerListener {
  private readonly options: LockClientOptions;
  /** Requests that wait for their answer; set once it is there. */
  private readonly waiting = new Map<string, LockAnswer | undefined>();
  private readonly taken = new Map<string, readonly HeldLock[]>();
  /** Tokens that the node refused though they were held. */
  private readonly refused = new Map<LockName, number>();
  /** Releases of what was granted and is not wanted, on their way. */
  private readonly returning = new Set<Promise<void>>();

  constructor(options: LockClientOptions) {
    this.options = options;
    listenForAnswers();
  }

  /** Token of every lock that is held now. */
  get tokens(): Readonly<Record<LockName, number>> {
    return Object.fromEntries([...this.taken.values()].flat().map((lock) => [lock.name, lock.token]));
  }

  /** Takes `locks` one after the other, holding while waiting. Returns when all are held or the request is refused. */
  async take(...locks: readonly WantedLock[]): Promise<Taken | Refused> {
    return this.takeWith({}, ...locks);
  }

  /** As `take`, but refused with EBUSY where it would have to wait. */
  async tryLock(...locks: readonly WantedLock[]): Promise<Taken | Refused> {
    return this.takeWith({ tryLock: true }, ...locks);
  }

  async takeWith(options: TakeOptions, ...locks: readonly WantedLock[]): Promise<Taken | Refused> {
    // A request that may have left must be answered or withdrawn, whatever becomes of the scope that it was made in.
    return CancellationScope.nonCancellable(async () => {
      // The same in every replay; another after a reset, whose requests must not be taken for those of the run before it.
      const id = uuid4();
      this.waiting.set(id, undefined);
      expectAnswers(id, this);
      const isPending = await this.sendRequest(this.requestOf(id, locks, options.tryLock), options.release ?? []);
      const isInTime = await this.awaitAnswer(id, isPending);
      const answer = this.waiting.get(id);
      this.waiting.delete(id);
      if (answer) return this.accept(answer);
      const why = isInTime ? 'cancelled while waiting for locks' : 'the lock service has not answered in time';
      await this.send({ release: [{ id }] }, `withdraw the request for locks: ${why}`);
      const message = `${why}; nothing of this request is held`;
      return { kind: 'refused', errno: isInTime ? 'ECANCELED' : 'ETIMEDOUT', message };
    });
  }

  /** Gives back what is still held of `taken`, or only the locks named; tells what that was. */
  async release(taken: Taken, ...names: LockName[]): Promise<readonly LockName[]> {
    const release = releaseOf(taken, names);
    const released = this.namesIn([release]);
    if (released.length === 0) return [];
    await this.send({ release: [release] }, `release ${released.join(', ')}`);
    this.forget([release]);
    return released;
  }

  /** Gives back everything, the locks taken last first, and tells what that was. */
  async releaseAll(): Promise<readonly LockName[]> {
    const releases = [...this.taken.keys()].reverse().map((id) => ({ id }));
    const released = this.namesIn(releases);
    if (releases.length > 0) await this.send({ release: releases }, `release ${released.join(', ')}`);
    this.forget(releases);
    await Promise.all(this.returning);
    return released;
  }

  /**
   * The node refused `token`. The release of the lock tells the lock service, which cannot have granted it in order: its
   * server was put back to an earlier moment.
   */
  noteRefused(name: LockName, token: number | undefined): void {
    if (token !== undefined) this.refused.set(name, token);
  }

  /** Tells whoever waits that what holds `taken` is not heard of; without `reason`, that it has returned. Nothing is released. */
  async suspect(taken: Taken, reason?: string): Promise<void> {
    const suspect = { id: taken.id, ...(reason === undefined ? {} : { reason }) };
    await this.send({ suspect }, reason === undefined ? 'the holder has returned' : `suspect: ${reason}`);
  }

  /**
   * False when the time is over in which even a lock service that was lost should have answered. Only a request that may
   * have to wait has a timer.
   */
  private async awaitAnswer(id: string, isPending: boolean): Promise<boolean> {
    const { timeoutMs, isCancelled } = this.options;
    // Whoever holds locks already is past the point where cancelling means giving way.
    const holdsNothing = this.taken.size === 0;
    const isOver = (): boolean => this.waiting.get(id) !== undefined || (holdsNothing && isCancelled());
    if (isPending && timeoutMs !== undefined && !isOver()) {
      return condition(isOver, timeoutMs + REQUEST_GRACE_MS, { summary: 'wait for locks' });
    }
    await condition(isOver);
    return true;
  }

  receive(answer: LockAnswer): void {
    const first = this.waiting.get(answer.id);
    if ('errno' in answer) {
      if (this.waiting.has(answer.id) && !first) this.waiting.set(answer.id, answer);
    } else if (first && !('errno' in first)) {
      this.waiting.set(answer.id, { ...first, grants: renewed(first.grants, answer) });
    } else if (this.waiting.has(answer.id) && !first) this.waiting.set(answer.id, answer);
    else this.renew(answer);
  }

  /**
   * A grant of something that was granted before: an entity that was created anew tells the tokens of its epoch. What it
   * believes to be held and is not (given back, withdrawn) is given back once more, which does no harm.
   */
  private renew(grant: LockGranted): void {
    const { id } = grant;
    const held = this.taken.get(id);
    if (held) this.taken.set(id, renewed(held, grant));
    const surplus = grant.grants.map(({ name }) => name).filter((name) => !held?.some((lock) => lock.name === name));
    if (surplus.length === 0) return;
    log.info('locks were granted that are not wanted any more; giving them back', { id, surplus });
    const release: LockRelease = held ? { id, names: surplus } : { id };
    const returning = this.send({ release: [release] }, `give back ${surplus.join(', ')}: not held any more`);
    this.returning.add(returning);
    void returning.finally(() => this.returning.delete(returning));
  }

  private accept(answer: LockAnswer): Taken | Refused {
    if ('errno' in answer) return { ...answer, kind: 'refused' };
    this.taken.set(answer.id, answer.grants);
    return { kind: 'taken', id: answer.id, locks: answer.grants };
  }

  private requestOf(id: string, locks: readonly WantedLock[], tryLock = false): LockRequest {
    const { timeoutMs, causedBy } = this.options;
    return {
      id,
      locks,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(tryLock ? { tryLock } : {}),
      ...(causedBy === undefined ? {} : { causedBy }),
    };
  }

  /** Whether the request is known to have to wait. */
  private async sendRequest(request: LockRequest, given: NonNullable<TakeOptions['release']>): Promise<boolean> {
    const release = given.map(({ taken, names = [] }) => releaseOf(taken, names));
    const wanted = request.locks.map(describe).join(' → ');
    const take = `${request.tryLock ? 'try' : 'take'} ${wanted}`;
    const summary = release.length === 0 ? take : `release ${this.namesIn(release).join(', ')}; ${take}`;
    const message = this.message(release.length === 0 ? { request } : { release, request });
    const answer = await takeLocks.executeWithOptions({ summary }, [message]);
    this.forget(release);
    // A signal with newer tokens may have been faster.
    if (answer.kind === 'granted') this.receive({ id: answer.id, grants: answer.grants });
    return answer.kind === 'pending';
  }

  /** What `releases` give back, of each request the lock taken last first. */
  private namesIn(releases: readonly LockRelease[]): readonly LockName[] {
    return releases.flatMap(({ id, names }) =>
      (this.taken.get(id) ?? [])
        .map(({ name }) => name)
        .filter((name) => names?.includes(name) ?? true)
        .reverse(),
    );
  }

  private forget(releases: readonly LockRelease[]): void {
    for (const { id, names } of releases) {
      const kept = names ? (this.taken.get(id) ?? []).filter((lock) => !names.includes(lock.name)) : [];
      if (kept.length > 0) this.taken.set(id, kept);
      else this.taken.delete(id);
    }
  }

  private async send(body: Omit<LockMessage, 'holder' | 'purpose' | 'request'>, summary: string): Promise<void> {
    const activity = body.release ? releaseLocks : reportHolder;
    await CancellationScope.nonCancellable(() => activity.executeWithOptions({ summary }, [this.message(body)]));
  }

  private message(body: Omit<LockMessage, 'holder' | 'purpose'>): LockMessageInput {
    const { workflowId, runId } = workflowInfo();
    const { cluster, node, purpose } = this.options;
    const release = body.release && { release: body.release.map((one) => this.withRefusal(one)) };
    return { cluster, node, message: { holder: { workflowId, runId }, purpose, ...body, ...release } };
  }

  private withRefusal(release: LockRelease): LockRelease {
    const held = this.taken.get(release.id)?.find(({ name, token }) => this.refused.get(name) === token);
    return held ? { ...release, refused: { name: held.name, token: held.token } } : release;
  }
}

/** `held` with the tokens of `grant`, where those are newer. */
function renewed(held: readonly HeldLock[], { grants }: LockGranted): readonly HeldLock[] {
  return held.map((lock) => grants.find(({ name, token }) => name === lock.name && token > lock.token) ?? lock);
}

function releaseOf({ id }: Taken, names: readonly LockName[]): LockRelease {
  return names.length === 0 ? { id } : { id, names };
}

function describe(lock: WantedLock): string {
  return lock.mode === 'read' ? `${lock.name}:r` : lock.name;
}
