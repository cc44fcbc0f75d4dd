/** One line of UTF-8, without its end: bytes that hold until the next line. */
export type OnLine = (bytes: Buffer, start: number, end: number, line: number) => void;

/**
 * Cuts text that comes in pieces into lines. Ends are \n, \r\n and a \r alone.
 * @param onLine called for each line, empty ones too; not for the nothing after the last line end
 */
export class LineCutter {
  #line = 1;
  #pending = Buffer.allocUnsafe(1024);
  #pendingUsed = 0;
  /** Whether the last piece ended with \r, whose \n may come. */
  #isReturn = false;
  readonly #onLine: OnLine;

  constructor(onLine: OnLine) {
    this.#onLine = onLine;
  }

  write(piece: Buffer): void {
    let start = 0;
    if (this.#isReturn && piece[0] === 10) start = 1;
    if (piece.length > 0) this.#isReturn = false;
    // Most files have one kind of line end: what is not there need not be searched twice.
    let newline = piece.indexOf(10, start);
    let carriage = piece.indexOf(13, start);
    while (newline >= 0 || carriage >= 0) {
      const end = newline < 0 ? carriage : carriage < 0 ? newline : Math.min(newline, carriage);
      this.#give(piece, start, end);
      start = end + 1;
      if (end === carriage) {
        if (piece[start] === 10) start++;
        else if (start === piece.length) this.#isReturn = true;
      }
      if (newline >= 0 && newline < start) newline = piece.indexOf(10, start);
      if (carriage >= 0 && carriage < start) carriage = piece.indexOf(13, start);
    }
    this.#keep(piece, start, piece.length);
  }

  end(): void {
    if (this.#pendingUsed > 0) this.#give(this.#pending, 0, 0);
  }

  #give(piece: Buffer, start: number, end: number): void {
    if (this.#pendingUsed === 0) this.#onLine(piece, start, end, this.#line);
    else {
      if (piece !== this.#pending) this.#keep(piece, start, end);
      const length = this.#pendingUsed;
      this.#pendingUsed = 0;
      this.#onLine(this.#pending, 0, length, this.#line);
    }
    this.#line++;
  }

  #keep(piece: Buffer, start: number, end: number): void {
    const needed = this.#pendingUsed + end - start;
    if (needed > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#pendingUsed);
      this.#pending = larger;
    }
    piece.copy(this.#pending, this.#pendingUsed, start, end);
    this.#pendingUsed = needed;
  }
}

/** A line `<label> <text>` as SST-2 and fastText have it: the label holds no blank. */
export const LABEL_SPACE_TEXT = /^(\S{1,40}) +(\S.*)$/s;

/** What fastText's labels begin with. */
export const FAST_TEXT = '__label__';
