/** `text` as one word of a shell command; left as it is where that needs no quotes. */
export function quoteForShell(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
