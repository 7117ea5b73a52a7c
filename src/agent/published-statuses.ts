/** What the cluster has of the agent's fields, by object name, so that nothing is written twice. */
import { fingerprint } from './node-view.ts';

export class PublishedStatuses {
  readonly #fingerprints = new Map<string, string>();

  /** As read from the cluster. Returns whether that is news. */
  seen(name: string, fields: object): boolean {
    const seen = fingerprint(fields);
    if (this.#fingerprints.get(name) === seen) return false;
    this.#fingerprints.set(name, seen);
    return true;
  }

  gone(name: string): void {
    this.#fingerprints.delete(name);
  }

  /** Calls `write` if the cluster has something else. What is seen during the write is newer than it. */
  async write(name: string, fields: object, write: () => Promise<void>): Promise<void> {
    if (!this.seen(name, fields)) return;
    try {
      await write();
    } catch (error) {
      this.#fingerprints.delete(name);
      throw error;
    }
  }
}
