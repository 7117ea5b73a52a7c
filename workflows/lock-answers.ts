/**
 * Hands the answers of lock entities to the requests that they are about. A signal has one handler in a workflow run, but
 * a run may use the locks of several nodes; request ids are unique, so they tell whose answer it is.
 */
import { defineSignal, setHandler } from '@temporalio/workflow';
import { LOCK_DENIED_SIGNAL, LOCK_GRANTED_SIGNAL, type LockDenied, type LockGranted } from '../src/contract/locks.ts';
import { readLockDenied, readLockGranted } from '../src/contract/read-lock-message.ts';
import { orDropped } from './drop-malformed.ts';

const lockGranted = defineSignal<[unknown]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[unknown]>(LOCK_DENIED_SIGNAL);

export type LockAnswer = LockGranted | LockDenied;

/** Who is told of answers: the requester's side of one node's locks. */
export interface AnswerListener {
  receive(answer: LockAnswer): void;
}

// The sandbox gives each workflow run module state of its own.
const asked = new Map<string, AnswerListener>();
/**
 * Answers to requests that this run has not come to. Where a workflow task is done again, because its worker died after
 * the request had left, the answer is there first. Others are never asked for: the server hands a run that was reset the
 * signals of the run before it, which is closed, and whose locks are settled.
 */
const early = new Map<string, readonly LockAnswer[]>();

/** To be called before the first request. */
export function listenForAnswers(): void {
  setHandler(lockGranted, (sent) => deliver(orDropped(LOCK_GRANTED_SIGNAL, readLockGranted(sent))), {
    description: 'All locks of a request are held, or have new tokens; sent by the lock entity of the node',
  });
  setHandler(lockDenied, (sent) => deliver(orDropped(LOCK_DENIED_SIGNAL, readLockDenied(sent))), {
    description: 'A request for locks was refused and nothing of it is held; sent by the lock entity of the node',
  });
}

/** From now on `listener` gets the answers to request `id`, beginning with those that are there already. */
export function expectAnswers(id: string, listener: AnswerListener): void {
  asked.set(id, listener);
  for (const answer of early.get(id) ?? []) listener.receive(answer);
  early.delete(id);
}

function deliver(answer: LockAnswer | undefined): void {
  if (!answer) return;
  const listener = asked.get(answer.id);
  if (listener) listener.receive(answer);
  else early.set(answer.id, [...(early.get(answer.id) ?? []), answer]);
}
