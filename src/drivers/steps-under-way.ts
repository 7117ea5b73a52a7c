/** The steps of a driver that have not answered yet. */
import type { DriverCall, DriverResult } from '../contract/driver.ts';
import type { SettleRequest } from '../contract/memory-driver.ts';
import { isSettledBy } from './fencing.ts';

export class StepsUnderWay {
  /** Each step's end, which never rejects. */
  readonly #ends = new Map<Promise<unknown>, DriverCall>();

  track(call: DriverCall, step: Promise<DriverResult>): Promise<DriverResult> {
    const end = step.catch(() => undefined).finally(() => this.#ends.delete(end));
    this.#ends.set(end, call);
    return step;
  }

  /** Resolves when no step that `request` settles is under way. */
  async settled(request: SettleRequest): Promise<void> {
    const stopping = [...this.#ends].filter(([, call]) => isSettledBy(request, call.tokens));
    await Promise.all(stopping.map(([end]) => end));
  }
}
