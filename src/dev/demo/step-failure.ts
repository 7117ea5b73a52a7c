/** A step of the story that did not do what it says. */
export class StepFailure extends Error {
  readonly expected: string;
  readonly seen: string;

  constructor(expected: string, seen: string) {
    super(`expected ${expected}; seen: ${seen}`);
    this.name = 'StepFailure';
    this.expected = expected;
    this.seen = seen;
  }
}
