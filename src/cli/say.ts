/** To the person at the terminal; standard output is the command's. */
export function say(message: string): void {
  process.stderr.write(`memhp: ${message}\n`);
}
