import type { NotifierAnswer, NotifierReply } from '../../contract/notifier.ts';

/** What a reply to a GOING action comes to. */
export type Verdict = 'agreed' | 'vetoed' | 'unanswered';

export function verdictOf(reply: NotifierReply): Verdict {
  if (reply.kind === 'error') return 'unanswered';
  return reply.answer.result === 'NOTIFY_BAD' ? 'vetoed' : 'agreed';
}

/** Undefined where there is none. */
export function answerOf(reply: NotifierReply): NotifierAnswer | undefined {
  return reply.kind === 'answer' ? reply.answer : undefined;
}

/** Whether it keeps the call from notifiers of lower priority: NOTIFY_STOP_MASK is set. */
export function isStop(reply: NotifierReply): boolean {
  const result = answerOf(reply)?.result;
  return result === 'NOTIFY_STOP' || result === 'NOTIFY_BAD';
}

/** A reply in the words of a report. */
export function quoteReply(reply: NotifierReply): string {
  if (reply.kind === 'error') return `no usable answer: ${reply.message}`;
  const { result, errno, reason } = reply.answer;
  return [result, errno, reason === undefined ? undefined : `“${reason}”`]
    .filter((word) => word !== undefined)
    .join(' ');
}
