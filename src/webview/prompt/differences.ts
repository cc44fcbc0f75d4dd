import { diffArrays } from 'diff';

/** Words in a row that the other text has, too, or has not. */
export interface Piece {
  text: string;
  differs: boolean;
}

/** Two texts that have nothing in common are not searched for long: they differ. */
const LIMITS = { maxEditLength: 4000, timeout: 200 };

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
/** Words and what stands between them, also of scripts that set no blanks between words. */
const wordsOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** Both texts in pieces; put together they are the texts. */
export function differences(first: string, second: string): [first: Piece[], second: Piece[]] {
  const changes = diffArrays(wordsOf(first), wordsOf(second), LIMITS);
  if (!changes) return [[{ text: first, differs: true }], [{ text: second, differs: true }]];
  const pieces = (left: 'added' | 'removed'): Piece[] =>
    joined(
      changes
        .filter((change) => !change[left])
        .map(({ value, added, removed }) => ({ text: value.join(''), differs: added || removed })),
    );
  return [pieces('added'), pieces('removed')];
}

/** Blanks between two words that differ are marked with them: a phrase is read as one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  for (const [i, { text, differs }] of pieces.entries()) {
    const isBetween = text.trim() === '' && pieces[i - 1]?.differs === true && pieces[i + 1]?.differs === true;
    const last = found.at(-1);
    if (last && last.differs === (differs || isBetween)) last.text += text;
    else found.push({ text, differs: differs || isBetween });
  }
  return found;
}
