/** What is shown again and again: redrawn in place on a terminal, appended anywhere else. */

/** ECMA-48: to the first line; erase to the end of the line; erase all below. */
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
/** Of a terminal that does not tell. */
const ROWS = 24;
const COLUMNS = 80;

/** The part of tty.WriteStream that is used here. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Screen {
  readonly #stream: ScreenStream;

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** `text` ends with a newline. */
  show(text: string, now: Date): void {
    if (this.isTerminal) this.#redraw([`${now.toLocaleTimeString('en-GB')}  (Ctrl-C ends)`, '', ...linesOf(text)]);
    else this.#stream.write(`# ${now.toISOString()}\n${text}`);
  }

  /** Over what is there, instead of erasing it first: that would flicker. What does not fit is cut: scrolling would leave traces. */
  #redraw(lines: readonly string[]): void {
    const { rows = ROWS, columns = COLUMNS } = this.#stream;
    const room = rows - 1;
    const hidden = lines.length - room + 1;
    const shown = hidden > 1 ? [...lines.slice(0, room - 1), `… ${String(hidden)} more lines`] : lines;
    const drawn = shown.map((line) => `${line.slice(0, columns)}${ERASE_LINE}\n`);
    this.#stream.write(`${HOME}${drawn.join('')}${ERASE_BELOW}`);
  }
}

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}
