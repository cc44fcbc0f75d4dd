import type { CompletionExtent } from '../protocol/index.ts';

/** Where a person writes: the text in front of the cursor and behind it, in a language by the editor's name. */
export interface Place {
  readonly language: string;
  readonly before: string;
  readonly after: string;
}

/** Languages of sentences; everything else is taken for code, of which a line or a block is suggested. */
const PROSE = new Set([
  'plaintext',
  'markdown',
  'prompty',
  'prompt',
  'luthier-prompt',
  'latex',
  'tex',
  'restructuredtext',
  'asciidoc',
  'typst',
  'git-commit',
  'scminput',
  'log',
]);

export const isProse = (language: string): boolean => PROSE.has(language);

/** What of the cursor's line stands in front of it. */
export const lineBefore = ({ before }: Pick<Place, 'before'>): string => before.slice(before.lastIndexOf('\n') + 1);

/** What of the cursor's line stands behind it. */
export function lineAfter({ after }: Pick<Place, 'after'>): string {
  const end = after.indexOf('\n');
  return (end < 0 ? after : after.slice(0, end)).trimEnd();
}

/** The first line below the cursor's that has something in it, without white space at its end. */
export function lineBelow({ after }: Pick<Place, 'after'>): string | null {
  for (let at = after.indexOf('\n'); at >= 0; ) {
    const end = after.indexOf('\n', at + 1);
    const line = after.slice(at + 1, end < 0 ? undefined : end).trimEnd();
    if (line !== '') return line;
    at = end;
  }
  return null;
}

/** Width of the white space that a line begins with. */
export function indentation(line: string): number {
  let width = 0;
  for (const char of line) {
    if (char === '\t') width += 4 - (width % 4);
    else if (char === ' ') width++;
    else break;
  }
  return width;
}

/** Ends of a line after which a block follows. */
const OPENS = /(?:[{([:]|=>|->|\b(?:do|then|begin|else|try))\s*$/;

export const opensBlock = (line: string): boolean => OPENS.test(line);

/**
 * How much is worth suggesting: sentences in prose; in code a block where one has just been opened and is still empty,
 * else the rest of the line.
 */
export function extentOf(place: Place): CompletionExtent {
  if (isProse(place.language)) return 'sentence';
  if (lineAfter(place) !== '') return 'line';
  const line = lineBefore(place);
  const opening = line.trim() === '' ? lastLine(place.before.slice(0, place.before.length - line.length)) : line;
  if (!opensBlock(opening)) return 'line';
  // What stands below and is deeper is the block.
  const below = lineBelow(place);
  return below !== null && indentation(below) > indentation(opening) ? 'line' : 'block';
}

/** The last line that has something in it. */
function lastLine(text: string): string {
  const whole = text.trimEnd();
  return whole.slice(whole.lastIndexOf('\n') + 1);
}
