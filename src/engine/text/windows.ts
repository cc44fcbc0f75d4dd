import { LuthierError } from '../../protocol/index.ts';

/** Which text gives way where a pair is too long (transformers' names). */
export type Truncation = 'longest_first' | 'only_first' | 'only_second';

/** A part of a text's pieces. */
export interface Span {
  start: number;
  end: number;
}

/** What of each text stands in a window; `b` is empty for a text alone. */
export interface Window {
  a: Span;
  b: Span;
}

/**
 * Pieces kept of each text of a pair in `room`: the longer is cut to the shorter's length before both are.
 * tokenizers, src/utils/truncation.rs, LongestFirst.
 */
export function fitPair(lengthA: number, lengthB: number, room: number): [number, number] {
  const shorter = Math.min(lengthA, lengthB);
  let short = shorter;
  let long = shorter > room ? shorter : Math.max(shorter, room - shorter);
  if (short + long > room) {
    short = Math.floor(room / 2);
    long = short + (room % 2);
  }
  const [a, b] = lengthA > lengthB ? [long, short] : [short, long];
  return [Math.min(a, lengthA), Math.min(b, lengthB)];
}

/**
 * The windows over a text or a pair that has no more than `room` pieces in each, in transformers' order: the one that
 * is left by cutting, then those over the rest. tokenizers, truncation.rs and Encoding::truncate, merge_with.
 * @param lengthB null for a text alone.
 * @param stride Pieces that a window shares with the one before it.
 * @param fromEnd Windows begin at the end of the text (truncation_side left).
 * @throws LuthierError `recipe-invalid` where nothing is left of the text that should give way, or where windows would
 *   not advance.
 */
export function windowsOver(
  lengthA: number,
  lengthB: number | null,
  room: number,
  { truncation, stride, fromEnd }: { truncation: Truncation; stride: number; fromEnd: boolean },
): Window[] {
  const total = lengthA + (lengthB ?? 0);
  let fitA = lengthA;
  let fitB = lengthB ?? 0;
  if (total > room) {
    if (truncation === 'longest_first') [fitA, fitB] = lengthB === null ? [room, 0] : fitPair(lengthA, lengthB, room);
    else if (truncation === 'only_first') fitA -= total - room;
    else fitB -= total - room;
    const kept = truncation === 'only_second' ? fitA : fitB;
    if ((truncation === 'only_first' && fitA < 1) || (truncation === 'only_second' && fitB < 1))
      throw new LuthierError(
        'recipe-invalid',
        `A text of ${kept} tokens, which may not be cut (${truncation}), leaves no room for the other in ${room} tokens.`,
        `Set max_length higher, or shorten that text.`,
      );
  }
  const partsA = parts(lengthA, fitA, stride, fromEnd);
  const partsB = lengthB === null ? [{ start: 0, end: 0 }] : parts(lengthB, fitB, stride, fromEnd);
  const [firstA, ...restA] = partsA;
  const [firstB, ...restB] = partsB;
  return [
    { a: firstA!, b: firstB! },
    ...restA.flatMap((a) => partsB.map((b) => ({ a, b }))),
    ...restB.map((b) => ({ a: firstA!, b })),
  ];
}

function parts(length: number, room: number, stride: number, fromEnd: boolean): Span[] {
  if (length <= room) return [{ start: 0, end: length }];
  if (room === 0)
    return [
      { start: 0, end: 0 },
      { start: 0, end: length },
    ];
  if (stride >= room)
    throw new LuthierError(
      'recipe-invalid',
      `Windows of ${room} tokens that share ${stride} of them would not advance.`,
      'Set stride lower, or max_length higher.',
    );
  const spans: Span[] = [];
  for (let at = 0; ; at += room - stride) {
    const end = Math.min(at + room, length);
    spans.push(fromEnd ? { start: length - end, end: length - at } : { start: at, end });
    if (end === length) return spans;
  }
}
