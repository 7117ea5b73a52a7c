/** Everybody's answer to a GOING action, given although nothing will happen: nobody is left out because another one vetoed. */
import {
  answerChain,
  beginChain,
  type ChainAnswer,
  type ChainCall,
  type ChainEntry,
  type ChainReply,
  type ChainWalk,
} from './notifier-chain.ts';

export interface ChainSurveyCall extends ChainCall, Pick<ChainAnswer, 'retryAfterSeconds' | 'outlook'> {
  readonly isVeto: boolean;
  /** The real walk ends at this other one and does not get here. */
  readonly behind?: string;
}

/**
 * `replies` are those of `beginChain(action, entries).remaining`, in that order. Throws a RangeError when they are not as
 * many.
 */
export function surveyChain(
  action: ChainWalk['action'],
  entries: readonly ChainEntry[],
  replies: readonly ChainReply[],
): readonly ChainSurveyCall[] {
  let walk = beginChain(action, entries);
  const asked = walk.remaining;
  if (asked.length !== replies.length) {
    throw new RangeError(`${String(asked.length)} are asked and ${String(replies.length)} replied`);
  }
  let lastReached: string | undefined;
  return replies.map((reply, index) => {
    const behind = walk.remaining.length === 0 ? lastReached : undefined;
    if (behind === undefined) {
      walk = answerChain(walk, reply);
      lastReached = asked[index]?.name;
    }
    return { ...callOf(action, asked.slice(index, index + 1), reply), ...(behind === undefined ? {} : { behind }) };
  });
}

/** The answer of one who stands alone in the chain. */
function callOf(action: ChainWalk['action'], alone: readonly ChainEntry[], reply: ChainReply): ChainSurveyCall {
  const { calls, verdict } = answerChain(beginChain(action, alone), reply);
  const [call] = calls;
  if (!call) throw new RangeError(`nobody was asked about ${action}`);
  if (verdict.kind === 'passed') return { ...call, isVeto: false };
  const { reason, retryAfterSeconds, outlook } = verdict;
  return {
    ...call,
    isVeto: true,
    reason,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(outlook === undefined ? {} : { outlook }),
  };
}
