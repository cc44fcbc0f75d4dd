import { wholeAt } from './trim.ts';

/** Characters in front of the cursor and behind it that an engine is sent at most: more than models see. */
export const WINDOW = { before: 8_000, after: 4_000 } as const;

/** A document as editors have it: nothing of it is read but the lines that are asked for. */
export interface Lines {
  readonly lineCount: number;
  /** Without its end. */
  lineAt(line: number): string;
}

/**
 * The text around a place of a document: whole lines as far as they fit, and of a line that does not fit what is
 * nearest to the cursor. It takes as long in a file of 10 MB as in a small one.
 */
export function windowAt(
  lines: Lines,
  { line, character }: { line: number; character: number },
  limits: { before: number; after: number } = WINDOW,
): { before: string; after: string } {
  const own = lines.lineAt(line);
  const at = wholeAt(own, Math.min(character, own.length));
  let before = lastOf(own.slice(Math.max(0, at - limits.before - 1), at), limits.before);
  for (let i = line - 1; i >= 0; i--) {
    const text = lines.lineAt(i);
    if (before.length + 1 + text.length > limits.before) break;
    before = `${text}\n${before}`;
  }
  let after = firstOf(own.slice(at, at + limits.after + 1), limits.after);
  for (let i = line + 1; i < lines.lineCount; i++) {
    const text = lines.lineAt(i);
    if (after.length + 1 + text.length > limits.after) break;
    after += `\n${text}`;
  }
  return { before, after };
}

/** The same of a text that is there as a whole. */
export function windowOf(
  text: string,
  offset: number,
  limits: { before: number; after: number } = WINDOW,
): { before: string; after: string } {
  const at = wholeAt(text, Math.max(0, Math.min(offset, text.length)));
  let start = Math.max(0, at - limits.before);
  if (start > 0) {
    // At a line's start, unless the cursor's line itself is too long.
    const next = text.indexOf('\n', start - 1);
    start = next >= 0 && next < at ? next + 1 : wholeAt(text, start);
  }
  let end = Math.min(text.length, at + limits.after);
  if (end < text.length) {
    const last = text.lastIndexOf('\n', end);
    end = last >= at ? last : wholeAt(text, end);
  }
  return { before: text.slice(start, at), after: text.slice(at, end) };
}

/** At most so many characters of a line's end, and of its beginning, no pair divided. */
function lastOf(text: string, most: number): string {
  if (text.length <= most) return text;
  const at = text.length - most;
  return text.slice(wholeAt(text, at) === at ? at : at + 1);
}
const firstOf = (text: string, most: number): string => text.slice(0, wholeAt(text, Math.min(most, text.length)));
