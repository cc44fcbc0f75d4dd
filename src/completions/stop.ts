import type { CompletionExtent, CompletionStop } from '../protocol/index.ts';
import { indentation, lineAfter, lineBefore, lineBelow, opensBlock, type Place } from './place.ts';

/** Where a suggestion ends, in UTF-16 units of what was written, and why. */
export interface StopPlace {
  at: number;
  stopped: CompletionStop;
}

/**
 * Where what a model writes at a place should end. Asked again with every token, it answers as soon as it is certain.
 * @param isWhole nothing more comes
 * @returns null while there is no end
 */
export function stopPlace(
  text: string,
  extent: CompletionExtent,
  place: Place,
  { isWhole = false }: { isWhole?: boolean } = {},
): StopPlace | null {
  return STOPS[extent](text, place, isWhole);
}

type Stop = (text: string, place: Place, isWhole: boolean) => StopPlace | null;

const STOPS: Record<CompletionExtent, Stop> = { line: endOfLine, block: endOfBlock, sentence: endOfSentence };

/**
 * Where a suggestion's own text begins: at the end of a line it may go on below, one empty line between; in the middle
 * of one it may not.
 */
function contentStart(text: string, place: Place): number {
  if (lineAfter(place) !== '') return 0;
  const start = text.search(/\S/);
  const lead = start < 0 ? text : text.slice(0, start);
  return lead.split('\n').length > 3 ? 0 : lead.length;
}

function endOfLine(text: string, place: Place): StopPlace | null {
  const at = text.indexOf('\n', contentStart(text, place));
  return at < 0 ? null : { at, stopped: 'line' };
}

/**
 * A block is as deep as the line that it begins on, or deeper than the one that opens it; a closing bracket on a line of
 * its own ends it. An empty line ends it, too: what comes behind one is better asked for again.
 */
function endOfBlock(text: string, place: Place, isWhole: boolean): StopPlace | null {
  if (lineAfter(place) !== '') return endOfLine(text, place);
  const line = lineBefore(place);
  const isOpening = line.trim() !== '' && opensBlock(line);
  const below = lineBelow(place);
  const start = contentStart(text, place);
  const lead = text.slice(0, start);
  const base = indentation(line.trim() === '' && !lead.includes('\n') ? line + lead : line);
  let at = text.indexOf('\n', start);
  // A block that is opened here begins on the next line.
  if (isOpening && start > 0) at = text.lastIndexOf('\n', start);
  while (at >= 0) {
    const end = text.indexOf('\n', at + 1);
    const next = end < 0 ? text.slice(at + 1) : text.slice(at + 1, end);
    const isKnown = end >= 0 || isWhole;
    if (next.trim() === '') return isKnown && at >= start ? { at, stopped: 'block' } : null;
    const depth = indentation(next);
    const isInside = isOpening ? depth > base : depth >= base;
    if (isKnown && next.trimEnd() === below) return { at, stopped: 'repeats' };
    if (!isInside) {
      const closes = /^\s*[)\]}]/.test(next) && (isOpening ? depth === base : place.after.trim() === '');
      if (!closes) return { at, stopped: 'block' };
      return isKnown ? { at: at + 1 + next.length, stopped: 'block' } : null;
    }
    at = end;
  }
  return null;
}

/** Signs that end a sentence wherever they stand. */
const FULL_STOPS = '。！？｡';
const CLOSERS = /["'”’»)\]*_`」』）】》〉]/;
/** Words whose full stop ends no sentence, and initials. */
const ABBREVIATION =
  /(?:^|[\s("'])(?:e\.g|i\.e|etc|vs|cf|al|approx|Mr|Mrs|Ms|Dr|Prof|St|Fig|No|Nr|bzw|z\.B|u\.a|d\.h|\p{Lu}|\d+)$/u;

/** A line's end ends a sentence, too. */
function endOfSentence(text: string, place: Place, isWhole: boolean): StopPlace | null {
  const line = endOfLine(text, place);
  const limit = line?.at ?? text.length;
  for (let i = contentStart(text, place); i < limit; i++) {
    const sign = text[i]!;
    const isFull = FULL_STOPS.includes(sign);
    if (!isFull && !'.!?…'.includes(sign)) continue;
    let end = i + 1;
    while (end < limit && (CLOSERS.test(text[end]!) || FULL_STOPS.includes(text[end]!) || '.!?…'.includes(text[end]!)))
      end++;
    if (end >= limit) {
      // More may belong to it.
      if (line || isWhole) return { at: end, stopped: 'sentence' };
      return null;
    }
    if (isFull) return { at: end, stopped: 'sentence' };
    const rest = /^\s+(\S)?/.exec(text.slice(end, limit));
    if (!rest) continue;
    if (rest[1] === undefined) return line || isWhole ? { at: end, stopped: 'sentence' } : null;
    const said = lineBefore(place) + text.slice(0, i);
    if (sign === '.' && (ABBREVIATION.test(said) || /\p{Ll}/u.test(rest[1]))) continue;
    return { at: end, stopped: 'sentence' };
  }
  return line;
}
