import { countLineEnds } from './encoding.ts';

/** The lines of UTF-8 text without their ends, numbered from 1. Ends are \n, \r\n and a \r alone. */
export function* linesOf(bytes: Buffer): Generator<{ line: number; text: string; start: number; end: number }> {
  let line = 1;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    const stop = newline < 0 ? bytes.length : newline;
    const end = stop > start && bytes[stop - 1] === 13 ? stop - 1 : stop;
    const inner = countLineEnds(bytes, start, end);
    if (inner === 0) {
      yield { line, text: bytes.toString('utf8', start, end), start, end };
    } else {
      // Old Mac line ends: rare, so they may be slow.
      let from = start;
      for (const text of bytes.toString('utf8', start, end).split('\r')) {
        const length = Buffer.byteLength(text);
        yield { line: line++, text, start: from, end: from + length };
        from += length + 1;
      }
      line--;
    }
    line++;
    start = stop + 1;
  }
}

/** A line `<label> <text>` as SST-2 and fastText have it: the label holds no blank. */
export const LABEL_SPACE_TEXT = /^(\S{1,40}) +(\S.*)$/s;
