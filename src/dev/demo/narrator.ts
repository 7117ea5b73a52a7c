import { styleText } from 'node:util';

/** Prose is wrapped here; the output of commands is left as it is. */
const COLUMNS = 100;

type Style = Parameters<typeof styleText>[0];

/**
 * Prints the story. Coloured only where the stream is a terminal and NO_COLOR is not set; never more than colour: the text
 * is the same everywhere.
 */
export class Narrator {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  heading(text: string): void {
    this.line('');
    this.line(this.#style(['bold', 'cyan'], `── ${text} ${'─'.repeat(Math.max(2, COLUMNS - 4 - text.length))}`));
  }

  /** Why the next command is run, or what its output meant. */
  say(text: string): void {
    this.line('');
    for (const line of wrap(text)) this.line(line);
  }

  /** As it could be typed, with its here-document where it has one. */
  command(text: string): void {
    this.line('');
    this.line(this.#style('bold', `$ ${text}`));
  }

  done(text: string): void {
    for (const [index, line] of wrap(text).entries()) {
      this.line(`${index === 0 ? this.#style('green', '✓') : ' '} ${line}`);
    }
  }

  failed(text: string): void {
    this.line('');
    this.line(this.#style(['bold', 'red'], `✗ ${text}`));
  }

  /** Something under way, without a blank line before it. */
  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  #style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
