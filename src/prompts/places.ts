import type { Range } from './prompt-file.ts';

/** A line of a text without its end, 1-based. */
export interface Line {
  number: number;
  text: string;
  range: Range;
  /** Where the next one begins. */
  next: number;
}

/** Lines of a part of a text, whichever ends they have. */
export function* linesOf(text: string, { start, end }: Range, firstNumber = 1): Generator<Line> {
  let number = firstNumber;
  for (let at = start; at < end; number++) {
    const newline = text.indexOf('\n', at);
    const next = newline < 0 || newline >= end ? end : newline + 1;
    let stop = next;
    if (stop > at && text[stop - 1] === '\n') stop--;
    if (stop > at && text[stop - 1] === '\r') stop--;
    yield { number, text: text.slice(at, stop), range: { start: at, end: stop }, next };
    at = next;
  }
}

/** 1-based line of a place. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
