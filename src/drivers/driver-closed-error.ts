/** Thrown out of a step that was under way when its driver closed: it can be repeated at the next one. */
export class DriverClosedError extends Error {
  override readonly name = 'DriverClosedError';

  constructor(driver: string) {
    super(`the ${driver} driver has closed; repeat the step at the next one`);
  }
}
