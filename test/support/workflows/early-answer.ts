/** A workflow that comes to its request after the answer has come. Runs in the sandbox. */
import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { expectAnswers, listenForAnswers, type LockAnswer } from '../../../workflows/lock-answers.ts';

export const ask = defineSignal('ask');

/** Returns the answers to request `id`. */
export async function earlyAnswer(id: string): Promise<readonly LockAnswer[]> {
  listenForAnswers();
  let isAsked = false;
  setHandler(ask, () => void (isAsked = true));
  await condition(() => isAsked);
  const answers: LockAnswer[] = [];
  expectAnswers(id, { receive: (answer) => answers.push(answer) });
  return answers;
}
